import { createClient } from '@portolan/api/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer } from './processes.ts';
import { readEvents } from './surface/event-reader.ts';
import { BACKENDS, eventually, isMissing, type System, startSystem, storeEnv } from './systems.ts';

const TOKEN = 'reader-of-events';
const WRITE = 'writer-of-jobs-1';

interface Told {
  readonly id: string;
  readonly type: string;
  readonly job: string;
  readonly gap: boolean;
}

describe.each(BACKENDS)('events of jobs on %s', (backend) => {
  describe.skipIf(isMissing(backend))('', () => {
    let system: System;
    let url: string;
    const authorization = `Bearer ${TOKEN}`;
    beforeAll(async () => {
      system = await startSystem(backend, { API_TOKENS: `r:${TOKEN}:read,w:${WRITE}:write` });
      url = system.server.url;
    });
    afterAll(() => system?.close());

    async function push(queue: string, body: object): Promise<string> {
      const response = await fetch(`${url}/api/queues/${queue}/jobs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${WRITE}` },
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(202);
      return ((await response.json()) as { jobId: string }).jobId;
    }

    it('a stream tells how jobs ended in the worker, and Last-Event-ID resumes it', async () => {
      const path = `${url}/api/queues/streamed/events`;
      const first = await readEvents(path, { authorization });
      expect(first.response.status).toBe(200);
      expect(first.response.headers.get('content-type')).toBe('text/event-stream');
      const ids = [await push('streamed', { name: 'echo', data: { secret: 'of the job' } })];
      await first.until(1);
      ids.push(await push('streamed', { name: 'echo', data: 2 }));
      const [seen, second] = await first.until(2);
      first.close();
      expect(seen?.data).toEqual({
        id: seen?.id,
        type: 'completed',
        job: ids[0],
        name: 'echo',
        attempt: 1,
        ms: expect.any(Number),
        at: expect.stringMatching(/Z$/),
        gap: false,
      });
      ids.push(await push('streamed', { name: 'count', data: { steps: 1, stepMs: 0, failAt: 1 }, attempts: 1 }));
      const again = await readEvents(path, { authorization, 'last-event-id': seen?.id ?? '' });
      const rest = await again.until(2);
      expect(rest[0]).toEqual(second);
      expect(rest.map(({ data }) => data as Told)).toMatchObject([
        { type: 'completed', job: ids[1], gap: false },
        { type: 'failed', job: ids[2], gap: false, error: { code: expect.any(String), message: expect.any(String) } },
      ]);
      again.close();
    });

    it('the typed client subscribes, and resumes behind an event', async () => {
      const client = createClient({ url, token: TOKEN });
      const heard: Told[] = [];
      const started = Promise.withResolvers<void>();
      const subscription = client.jobs.events.subscribe(
        { queue: 'typed' },
        { onStarted: () => started.resolve(), onData: ({ data }) => heard.push(data), onError: started.reject },
      );
      await started.promise;
      const ids = [await push('typed', { name: 'echo', data: 1 })];
      const [first] = await eventually(
        () => heard,
        ({ length }) => length === 1,
      );
      subscription.unsubscribe();
      ids.push(await push('typed', { name: 'echo', data: 2 }));
      const later: Told[] = [];
      const resumed = client.jobs.events.subscribe(
        { queue: 'typed', lastEventId: first?.id ?? '' },
        { onData: ({ data }) => later.push(data) },
      );
      await eventually(
        () => later,
        ({ length }) => length > 0,
      );
      expect([...heard, ...later]).toMatchObject(ids.map((job) => ({ type: 'completed', job, gap: false })));
      resumed.unsubscribe();
    });

    it('wrong ids and who may not read are refused before the stream opens', async () => {
      const ask = async (path: string, headers: Record<string, string>) => {
        const response = await fetch(`${url}/api/queues/${path}`, { headers });
        return [response.status, ((await response.json()) as { code: string }).code];
      };
      expect(await ask('streamed/events?after=nonsense', { authorization })).toEqual([400, 'INVALID']);
      expect(await ask('no%20name/events', { authorization })).toEqual([400, 'INVALID']);
      expect(await ask('streamed/events', {})).toEqual([401, 'UNAUTHORIZED']);
      expect(await ask('streamed/events', { authorization: `Bearer ${WRITE}` })).toEqual([403, 'FORBIDDEN']);
    });
  });
});

it('where events are off, asking for them is refused', async () => {
  const server = await startServer({ ...storeEnv('memory'), WORKER_EVENTS: 'off' });
  try {
    const response = await fetch(`${server.url}/api/queues/any/events`);
    expect([response.status, await response.json()]).toEqual([
      400,
      { code: 'INVALID', message: expect.stringContaining('not configured') },
    ]);
  } finally {
    await server.end('SIGKILL');
  }
});
