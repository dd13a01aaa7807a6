import { expect } from 'vitest';
import { heard, LONG, readOne, said } from './broadcast-kit.ts';
import { memberCases } from './broadcast-members.ts';
import type { Harness } from './harness.ts';
import { type AddCase, suite } from './suite.ts';

export function broadcastPortSuite(harness: Harness): void {
  suite(harness, 'broadcast port', (add) => {
    logCases(add);
    positionCases(add);
    memberCases(add);
  });
}

function logCases(add: AddCase): void {
  add('appends in order under contiguous cursors and reads in pages', async ({ backend: { broadcast } }) => {
    const first = await broadcast.append('log', said(1, 2, 3), LONG);
    const second = await broadcast.append('log', said(4, 5), LONG);
    const cursors = [...first.cursors, ...second.cursors];
    expect(cursors.map((cursor) => cursor.split('-')[1])).toEqual(['1', '2', '3', '4', '5']);
    expect(new Set(cursors.map((cursor) => cursor.split('-')[0])).size).toBe(1);
    expect(first.members).toEqual([]);

    const page = await readOne(broadcast, 'log', 'start', 3);
    expect(page.messages.map((message) => message.cursor)).toEqual(cursors.slice(0, 3));
    expect(page).toMatchObject({ cursor: cursors[2], gap: false, more: true });
    const rest = await readOne(broadcast, 'log', page.cursor, 2);
    expect(heard(rest)).toEqual([4, 5]);
    expect(rest).toMatchObject({ cursor: cursors[4], gap: false, more: false });
    const none = await readOne(broadcast, 'log', rest.cursor);
    expect(none).toMatchObject({ messages: [], cursor: cursors[4], gap: false, more: false });
    expect(none.at).toBeGreaterThanOrEqual(rest.messages[1]?.at ?? Number.POSITIVE_INFINITY);
  });

  add('keeps data to the letter', async ({ backend: { broadcast } }) => {
    const texts = ['[]', '{}', '{"b":1,"a":12345678901234567890}', '1e21', '"\\u0000/é😀"', '""', '{"a":1,"a":2}'];
    await broadcast.append(
      'exact',
      texts.map((data) => ({ data })),
      LONG,
    );
    const read = await readOne(broadcast, 'exact', 'start');
    expect(read.messages.map((message) => message.data)).toEqual(texts);
  });

  add('trims exactly to the count and tells a reader who fell behind', async ({ backend: { broadcast } }) => {
    const { cursors } = await broadcast.append('short', said(1, 2, 3, 4), { ...LONG, count: 3 });
    await broadcast.append('short', said(5), { ...LONG, count: 3 });
    expect(heard(await readOne(broadcast, 'short', 'start'))).toEqual([3, 4, 5]);
    const behind = await readOne(broadcast, 'short', cursors[0] ?? '', 2);
    expect(heard(behind)).toEqual([3, 4]);
    expect(behind).toMatchObject({ gap: true, more: true });
    expect(await readOne(broadcast, 'short', cursors[1] ?? '')).toMatchObject({ gap: false });
    expect(await readOne(broadcast, 'short', behind.cursor)).toMatchObject({ gap: false });
    await broadcast.append('short', said(6, 7, 8, 9, 10), { ...LONG, count: 2 });
    expect(heard(await readOne(broadcast, 'short', 'start'))).toEqual([9, 10]);
  });

  add(
    'goes on counting after the messages expired, then forgets the topic',
    async ({ kit, backend: { broadcast } }) => {
      const retention = { count: 10, ms: 60, resumeMs: 600_000 };
      const { cursors } = await broadcast.append('idle', said(1, 2), retention);
      await kit.pass(150);
      expect(await readOne(broadcast, 'idle', 'start')).toMatchObject({ messages: [], gap: false });
      expect(await readOne(broadcast, 'idle', cursors[1] ?? '')).toMatchObject({ messages: [], gap: false });
      expect(await readOne(broadcast, 'idle', cursors[0] ?? '')).toMatchObject({ gap: true, cursor: cursors[1] });
      const next = await broadcast.append('idle', said(3), { ...retention, resumeMs: 0 });
      expect(next.cursors[0]).toBe(cursors[1]?.replace(/2$/, '3'));
      expect(await readOne(broadcast, 'idle', cursors[1] ?? '')).toMatchObject({ gap: false });
      await kit.pass(150);
      const gone = await readOne(broadcast, 'idle', next.cursors[0] ?? '');
      expect(gone).toMatchObject({ messages: [], gap: true, cursor: '0-0' });
      const born = await broadcast.append('idle', said(4), LONG);
      expect(born.cursors[0]).toMatch(/-1$/);
      const again = await readOne(broadcast, 'idle', next.cursors[0] ?? '');
      expect(heard(again)).toEqual([4]);
      expect(again.gap).toBe(true);
      expect(await readOne(broadcast, 'idle', gone.cursor)).toMatchObject({ gap: false });
    },
  );

  add('appends of two processes at once interleave without loss', async ({ kit, backend: { broadcast } }) => {
    const other = (await kit.open()).broadcast;
    const appends = Array.from({ length: 60 }, (_, at) =>
      (at % 2 ? broadcast : other).append('busy', said(`${at}a`, `${at}b`), LONG),
    );
    const cursors = (await Promise.all(appends)).map((one) => one.cursors);
    const { messages } = await readOne(broadcast, 'busy', 'start', 1_000);
    expect(messages.map((message) => Number(message.cursor.split('-')[1]))).toEqual(
      Array.from({ length: 120 }, (_, at) => at + 1),
    );
    // Each append's messages stand together, under the cursors it was told.
    const at = new Map(messages.map((message) => [message.cursor, message.data]));
    cursors.forEach(([first = '', second = ''], index) => {
      expect([at.get(first), at.get(second)]).toEqual([`"${index}a"`, `"${index}b"`]);
      expect(Number(second.split('-')[1])).toBe(Number(first.split('-')[1]) + 1);
    });
  });

  add('lists topics that hold messages or members', async ({ backend: { broadcast } }) => {
    expect(await broadcast.topics()).toEqual([]);
    const { cursors } = await broadcast.append('b', said(1, 2), LONG);
    await broadcast.join('a', { id: 'm', info: '{}' }, 60_000);
    expect(await broadcast.topics()).toEqual([
      { topic: 'a', messages: 0, members: 1, cursor: '0-0' },
      { topic: 'b', messages: 2, members: 0, cursor: cursors[1] },
    ]);
    await broadcast.leave('a', 'm');
    expect((await broadcast.topics()).map((one) => one.topic)).toEqual(['b']);
  });
}

function positionCases(add: AddCase): void {
  add('a topic that is not there ends at 0-0, and nothing is missed from there', async ({ backend: { broadcast } }) => {
    const read = await broadcast.read(
      ['start', 'end', '0-0'].map((after) => ({ topic: 'new', after })),
      10,
    );
    for (const one of read) expect(one).toMatchObject({ messages: [], cursor: '0-0', gap: false, more: false });
    await broadcast.append('new', said(1, 2, 3), { ...LONG, count: 3 });
    const first = await readOne(broadcast, 'new', '0-0');
    expect(heard(first)).toEqual([1, 2, 3]);
    expect(first.gap).toBe(false);
    await broadcast.append('new', said(4), { ...LONG, count: 3 });
    expect((await readOne(broadcast, 'new', '0-0')).gap).toBe(true);
  });

  add('end stands behind the last message', async ({ backend: { broadcast } }) => {
    const { cursors } = await broadcast.append('log', said(1, 2), LONG);
    const end = await readOne(broadcast, 'log', 'end');
    expect(end).toMatchObject({ messages: [], cursor: cursors[1], gap: false, more: false });
    await broadcast.append('log', said(3), LONG);
    expect(heard(await readOne(broadcast, 'log', end.cursor))).toEqual([3]);
  });

  add('a cursor of another incarnation or ahead of the log is a gap', async ({ backend: { broadcast } }) => {
    const { cursors } = await broadcast.append('log', said(1, 2), LONG);
    const incarnation = Number(cursors[0]?.split('-')[0]);
    for (const stranger of [`${incarnation - 1}-1`, `${incarnation + 1}-7`]) {
      const read = await readOne(broadcast, 'log', stranger);
      expect(heard(read)).toEqual([1, 2]);
      expect(read.gap).toBe(true);
    }
    expect(await readOne(broadcast, 'log', `${incarnation}-9`)).toMatchObject({
      messages: [],
      gap: true,
      cursor: cursors[1],
    });
    expect(await readOne(broadcast, 'log', `${incarnation}-0`)).toMatchObject({ gap: false, cursor: cursors[1] });
    expect(await readOne(broadcast, 'elsewhere', `${incarnation}-1`)).toMatchObject({ gap: true, cursor: '0-0' });
  });

  add('a malformed cursor is INVALID', async ({ backend: { broadcast } }) => {
    await broadcast.append('log', said(1), LONG);
    for (const after of ['', '7', '$', '*', '-', '1-x', '-1-1', '1-2-3', ' 1-1', '1-1\n', '9'.repeat(30)]) {
      for (const topic of ['log', 'missing']) {
        await expect(broadcast.read([{ topic, after }], 1), `${topic} ${after}`).rejects.toMatchObject({
          code: 'INVALID',
        });
      }
    }
  });

  add('reads several topics at once, in order', async ({ backend: { broadcast } }) => {
    await broadcast.append('a', said('a1', 'a2'), LONG);
    await broadcast.append('b', said('b1'), LONG);
    const from = ['b', 'none', 'a', 'b'].map((topic) => ({ topic, after: 'start' }));
    expect((await broadcast.read(from, 1)).map(heard)).toEqual([['b1'], [], ['a1'], ['b1']]);
    expect(await broadcast.read([], 1)).toEqual([]);
  });

  add('hints every process of its topic until stopped', async ({ kit, backend: { broadcast } }) => {
    const other = (await kit.open()).broadcast;
    const seen = { here: 0, there: 0, stopped: 0, quiet: 0 };
    await broadcast.hint('t', () => seen.here++);
    const [, stop] = await Promise.all([
      other.hint('t', () => seen.there++),
      other.hint('t', () => seen.stopped++),
      other.hint('quiet', () => seen.quiet++),
    ]);
    await broadcast.append('t', said(1), LONG);
    await kit.eventually('hints', () => seen.here > 0 && seen.there > 0 && seen.stopped > 0);
    const before = { ...seen };
    await stop();
    await stop();
    await broadcast.append('t', said(2), LONG);
    await kit.eventually('more hints', () => seen.here > before.here && seen.there > before.there);
    expect(seen).toMatchObject({ stopped: before.stopped, quiet: before.quiet });
  });
}
