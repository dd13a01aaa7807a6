import { createTopics, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import { z } from 'zod';
import { failureCases } from './broadcast-failures.ts';
import { collect, LONG, numbers, topicsOf, wrapPort } from './broadcast-kit.ts';
import type { Harness } from './harness.ts';
import { type AddCase, suite } from './suite.ts';

export function broadcastTopicsSuite(harness: Harness): void {
  suite(harness, 'topics', (add) => {
    publishCases(add);
    subscribeCases(add);
    failureCases(add);
  });
}

function publishCases(add: AddCase): void {
  add('publishes of one tick to one topic share an append and keep their order', async ({ kit, backend }) => {
    let appends = 0;
    const port = wrapPort(backend.broadcast, (real) => ({
      append(...args) {
        appends++;
        return real.append(...args);
      },
    }));
    const topics = topicsOf(kit, port);
    const ids = await Promise.all([...numbers(1, 20).map((n) => topics.publish('t', n)), topics.publish('u', 'other')]);
    expect(appends).toBe(2);
    const page = await topics.read('t');
    expect(page.messages.map(({ id, data }) => [id, data])).toEqual(numbers(1, 20).map((n) => [ids[n - 1]?.id, n]));
    await Promise.all(numbers(1, 1_200).map((n) => topics.publish('many', n)));
    expect(appends).toBe(5);
    expect((await topics.read('many', { limit: 1_000 })).messages.map((one) => one.data)).toEqual(numbers(201, 1_200));
  });

  add('refuses what is too large, not JSON, or a bad name or limit', async ({ kit, backend }) => {
    const topics = createTopics({ port: backend.broadcast, runtime: kit.runtime, maxMessageBytes: 10 });
    await topics.publish('t', '12345678');
    await expect(topics.publish('t', '123456789')).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await expect(topics.publish('t', 'éééé€')).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await expect(topics.publish('t', undefined)).rejects.toMatchObject({ code: 'INVALID' });
    await expect(topics.publish('~commands', 1)).rejects.toMatchObject({ code: 'INVALID' });
    await expect(topics.read('t', { limit: 0 })).rejects.toMatchObject({ code: 'INVALID' });
    await expect(topics.read('t', { after: 'yesterday' })).rejects.toMatchObject({ code: 'INVALID' });
    expect(() => topics.subscribe('t', { after: '12' })).toThrow(PortolanError);
    expect((await topics.read('t')).messages).toHaveLength(1);
  });

  add('reads history in pages and lists topics', async ({ kit, backend }) => {
    const topics = topicsOf(kit, backend.broadcast);
    await Promise.all(numbers(1, 7).map((n) => topics.publish('t', n)));
    await backend.broadcast.append('~internal', [{ data: '1' }], LONG);
    const seen: unknown[] = [];
    for (let after = 'start', more = true; more; ) {
      const page = await topics.read('t', { after, limit: 3 });
      seen.push(...page.messages.map((one) => one.data));
      ({ cursor: after, more } = page);
    }
    expect(seen).toEqual(numbers(1, 7));
    expect(await topics.list()).toMatchObject([{ topic: 't', messages: 7, members: 0 }]);
  });

  add('a typed topic checks at both ends', async ({ kit, backend }) => {
    const topics = topicsOf(kit, backend.broadcast);
    const typed = topics.of('typed', z.object({ n: z.coerce.number(), note: z.string().default('none') }));
    await typed.publish({ n: '1' });
    await expect(typed.publish({ n: 'x' })).rejects.toMatchObject({ code: 'INVALID', issues: [{ path: ['n'] }] });
    await topics.publish('typed', { other: true });
    await typed.publish({ n: 2, note: 'b' });
    const reader = collect(kit, typed.subscribe({ after: 'start' }));
    await reader.until(2);
    expect(reader.data()).toEqual([
      { n: 1, note: 'none' },
      { n: 2, note: 'b' },
    ]);
    // What could not be read is missing, and the next one says so.
    expect(reader.events.map((event) => event.gap)).toEqual([undefined, true]);
    const page = await typed.read();
    expect(page).toMatchObject({ gap: true, messages: [{ data: { n: 1 } }, { data: { n: 2 } }] });
  });
}

function subscribeCases(add: AddCase): void {
  add('every subscriber gets everything once and in order', async ({ kit, backend }) => {
    const other = await kit.open();
    const here = topicsOf(kit, backend.broadcast);
    const there = topicsOf(kit, other.broadcast);
    const subscriptions = [here, here, there].map((topics) => topics.subscribe('t'));
    await Promise.all(subscriptions.map((one) => one.ready));
    const readers = subscriptions.map((one) => collect(kit, one));
    for (const n of numbers(1, 40)) {
      await Promise.all([here.publish('t', n * 2), there.publish('t', n * 2 + 1), there.publish('noise', n)]);
    }
    for (const reader of readers) await reader.until(80);
    const [first, ...rest] = readers.map((reader) => reader.events);
    for (const events of rest) expect(events).toEqual(first);
    expect(first?.map((event) => Number(event.id.split('-')[1]))).toEqual(numbers(1, 80));
    expect(first?.map((event) => event.data).sort((a, b) => Number(a) - Number(b))).toEqual(numbers(2, 81));
    expect(first?.some((event) => event.gap)).toBe(false);
  });

  add('end is where the topic stood when ready, however late the iteration begins', async ({ kit, backend }) => {
    const topics = topicsOf(kit, backend.broadcast);
    await topics.publish('t', 'before');
    const subscription = topics.subscribe('t');
    await subscription.ready;
    await topics.publish('t', 'after');
    const reader = collect(kit, subscription);
    await reader.until(1);
    await topics.publish('t', 'later');
    await reader.until(2);
    expect(reader.data()).toEqual(['after', 'later']);
  });

  add('resumes behind any message without a gap or a double', async ({ kit, backend }) => {
    const topics = topicsOf(kit, backend.broadcast);
    const published = await Promise.all(numbers(1, 12).map((n) => topics.publish('t', n)));
    for (const at of [0, 4, 11]) {
      const reader = collect(kit, topics.subscribe('t', { after: published[at]?.id ?? '' }));
      await topics.publish('t', `after ${at}`);
      await kit.eventually('the last', () => reader.data().includes(`after ${at}`));
      expect(reader.data().filter((one) => typeof one === 'number')).toEqual(numbers(at + 2, 12));
      expect(reader.events.some((event) => event.gap)).toBe(false);
    }
  });

  add('a slow consumer pulls at its own pace and is told of a gap once', async ({ kit, backend }) => {
    const topics = topicsOf(kit, backend.broadcast, { retention: { count: 150 } });
    await topics.publish('t', 0);
    const subscription = topics.subscribe('t', { after: 'start' });
    const slow = subscription[Symbol.asyncIterator]();
    expect((await slow.next()).value).toMatchObject({ data: 0 });
    for (const part of [0, 1, 2, 3]) await Promise.all(numbers(1, 100).map((n) => topics.publish('t', part * 100 + n)));
    const reader = collect(kit, subscription);
    await reader.until(150);
    expect(reader.data()).toEqual(numbers(251, 400));
    expect(reader.events.map((event) => event.gap ?? false).indexOf(true)).toBe(0);
    expect(reader.events.filter((event) => event.gap)).toHaveLength(1);
  });

  add('a topic that the store forgot begins anew with a gap', async ({ kit, backend }) => {
    const { broadcast } = backend;
    const topics = topicsOf(kit, broadcast);
    const brief = { count: 10, ms: 60, resumeMs: 0 };
    await broadcast.append('t', [{ data: '1' }, { data: '2' }], brief);
    const subscription = topics.subscribe('t', { after: 'start' });
    const reader = collect(kit, subscription);
    await reader.until(2);
    await kit.pass(150);
    await broadcast.append('t', [{ data: '3' }, { data: '4' }], brief);
    await reader.until(4);
    expect(reader.events.map(({ data, gap }) => [data, gap])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, true],
      [4, undefined],
    ]);
  });

  add('stops its hint on return, on break and on abort, also while waiting', async ({ kit, backend }) => {
    let hints = 0;
    const port = wrapPort(backend.broadcast, (real) => ({
      async hint(topic, onHint) {
        const stop = await real.hint(topic, onHint);
        hints++;
        return async () => {
          hints--;
          await stop();
        };
      },
    }));
    const topics = topicsOf(kit, port);
    await topics.publish('t', 1);
    const abort = new AbortController();
    const aborted = collect(kit, topics.subscribe('t', { signal: abort.signal }));
    const returned = topics.subscribe('t');
    const pending = returned.next();
    await kit.eventually('both wait', () => hints === 2);
    abort.abort();
    await returned.return();
    expect(await pending).toMatchObject({ done: true });
    await aborted.done;
    expect(aborted.events).toEqual([]);
    for await (const event of topics.subscribe('t', { after: 'start' })) {
      expect([event.data, hints]).toEqual([1, 1]);
      break;
    }
    expect(hints).toBe(0);
    const never = topics.subscribe('t', { after: 'start', signal: abort.signal });
    expect(await never.next()).toMatchObject({ done: true });
    const unused = topics.subscribe('t');
    await unused.return();
    expect(await unused.next()).toMatchObject({ done: true });
    expect(hints).toBe(0);
  });
}
