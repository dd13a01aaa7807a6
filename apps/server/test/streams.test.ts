import { createClient, type PortolanClient } from '@portolan/api/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type GateSite, startGateSite } from './gate-site.ts';
import { readEvents } from './surface/event-reader.ts';
import { BACKENDS, eventually, isMissing, type System, startSystem } from './systems.ts';

interface Message {
  readonly id: string;
  readonly data: unknown;
  readonly at: string;
  readonly gap: boolean;
}

describe.each(BACKENDS)('topics on %s', (backend) => {
  describe.skipIf(isMissing(backend))('', () => {
    let system: System;
    let url: string;
    let client: PortolanClient;
    let site: GateSite;
    beforeAll(async () => {
      site = await startGateSite('slow');
      system = await startSystem(backend, { FETCH_ALLOW: `127.0.0.1:${site.port}` });
      url = system.server.url;
      client = createClient({ url });
    });
    afterAll(async () => {
      await system?.close();
      await site?.close();
    });

    async function publish(topic: string, data: unknown): Promise<string> {
      const body = JSON.stringify({ data });
      const response = await fetch(`${url}/api/topics/${topic}/messages`, { method: 'POST', body });
      expect(response.status).toBe(200);
      return ((await response.json()) as { id: string }).id;
    }

    it('a stream brings every message in order, as server-sent events with ids', async () => {
      const stream = await readEvents(`${url}/api/topics/live/stream`);
      expect(stream.response.status).toBe(200);
      expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
      expect(stream.response.headers.get('cache-control')).toContain('no-store');
      const values = [1, 'two\nlines', null, { three: [3] }];
      const ids: string[] = [];
      for (const value of values) ids.push(await publish('live', value));
      const events = await stream.until(4);
      expect(events.map(({ id }) => id)).toEqual(ids);
      expect(events.map(({ data }) => (data as Message).data)).toEqual(values);
      expect(events[0]?.data).toEqual({ id: ids[0], data: 1, at: expect.stringMatching(/Z$/), gap: false });
      stream.close();
    });

    it('every subscriber hears every message, over REST and over tRPC', async () => {
      const streams = await Promise.all([1, 2, 3].map(() => readEvents(`${url}/api/topics/all/stream`)));
      const heard: unknown[] = [];
      let started = false;
      const subscription = client.topics.stream.subscribe(
        { topic: 'all' },
        { onStarted: () => (started = true), onData: ({ data }) => heard.push(data.data) },
      );
      await eventually(
        () => started,
        (yes) => yes,
      );
      const sent = Array.from({ length: 50 }, (_, n) => n);
      await Promise.all(sent.map((n) => client.topics.publish.mutate({ topic: 'all', data: n })));
      await eventually(
        () => heard.length,
        (count) => count >= 50,
      );
      expect(heard.toSorted((a, b) => Number(a) - Number(b))).toEqual(sent);
      for (const stream of streams) {
        expect((await stream.until(50)).map(({ data }) => (data as Message).data)).toEqual(heard);
        stream.close();
      }
      subscription.unsubscribe();
    });

    it('Last-Event-ID resumes without a gap and without a double', async () => {
      const first = await readEvents(`${url}/api/topics/resume/stream`);
      await publish('resume', 'a');
      await publish('resume', 'b');
      const [, seen] = await first.until(2);
      first.close();
      await publish('resume', 'c');
      await publish('resume', 'd');
      const again = await readEvents(`${url}/api/topics/resume/stream`, { 'last-event-id': seen?.id ?? '' });
      await again.until(2);
      await publish('resume', 'e');
      const events = await again.until(3);
      expect(events.map(({ data }) => (data as Message).data)).toEqual(['c', 'd', 'e']);
      expect(events.every(({ data }) => !(data as Message).gap)).toBe(true);
      again.close();

      const heard: unknown[] = [];
      const lastEventId = seen?.id ?? '';
      const subscription = client.topics.stream.subscribe(
        { topic: 'resume', lastEventId },
        { onData: ({ data }) => heard.push(data.data) },
      );
      await eventually(
        () => heard,
        ({ length }) => length >= 3,
      );
      expect(heard).toEqual(['c', 'd', 'e']);
      subscription.unsubscribe();
    });

    it('after=start replays from the beginning; ids that are none are refused before the stream opens', async () => {
      const ids = [await publish('old', 1), await publish('old', 2)];
      const stream = await readEvents(`${url}/api/topics/old/stream?after=start`);
      expect((await stream.until(2)).map(({ id }) => id)).toEqual(ids);
      stream.close();
      for (const path of ['old/stream?after=nonsense', 'no%20name/stream']) {
        const response = await fetch(`${url}/api/topics/${path}`);
        expect([path, response.status]).toEqual([path, 400]);
        expect(await response.json()).toMatchObject({ code: 'INVALID' });
      }
      const response = await fetch(`${url}/api/topics/old/messages`, { method: 'POST', body: '{}' });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: 'INVALID', issues: [{ path: ['data'] }] });
    });

    it('what is published right after a stream opened is heard', async () => {
      for (let n = 0; n < 20; n++) {
        const topic = `at-once-${n}`;
        const stream = await readEvents(`${url}/api/topics/${topic}/stream`);
        const id = await publish(topic, n);
        expect((await stream.until(1))[0]?.id).toBe(id);
        stream.close();
        const heard: unknown[] = [];
        const subscription = await new Promise<{ unsubscribe(): void }>((resolve, reject) => {
          const opened = client.topics.stream.subscribe(
            { topic },
            { onStarted: () => resolve(opened), onData: ({ data }) => heard.push(data.data), onError: reject },
          );
        });
        await publish(topic, `${n} over tRPC`);
        await eventually(
          () => heard,
          ({ length }) => length > 0,
        );
        expect(heard).toEqual([`${n} over tRPC`]);
        subscription.unsubscribe();
      }
    });

    it('a refused stream is told over tRPC too', async () => {
      const error = await new Promise<unknown>((resolve) => {
        client.topics.stream.subscribe({ topic: 'old', after: 'nonsense' }, { onError: resolve });
      });
      expect(error).toMatchObject({ data: { portolan: { code: 'INVALID' } } });
    });

    it('a position of another life of the topic is told as a gap, and what is kept still comes', async () => {
      const id = await publish('gap', 'kept');
      const [life = ''] = id.split('-');
      const elsewhere = `${Number(life) - 1}-9`;
      const stream = await readEvents(`${url}/api/topics/gap/stream`, { 'last-event-id': elsewhere });
      const [event] = await stream.until(1);
      expect(event?.data).toMatchObject({ id, data: 'kept', gap: true });
      stream.close();
    });

    it('a fast call of a batch answers while a slow one of the same request still works', async () => {
      const requests = vi.spyOn(globalThis, 'fetch');
      const slow = client.pages.get.query({ url: `${site.url}/slow` });
      const fast = client.counters.get.query({ name: 'batch' });
      expect(await fast).toEqual({ value: 0 });
      await eventually(
        () => site.arrivals,
        (count) => count > 0,
      );
      site.open();
      expect((await slow).status).toBe(200);
      const paths = requests.mock.calls.map(([input]) => String(input)).filter((path) => path.includes('/trpc/'));
      requests.mockRestore();
      expect(paths).toEqual([expect.stringContaining('pages.get,counters.get')]);
    });
  });
});
