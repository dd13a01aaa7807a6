import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createClient } from '@portolan/api/client';
import { createPortolan, createRuntime, defineJob } from '@portolan/core';
import { openStore } from '@portolan/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type System, startSystem } from './systems.ts';

const KEY = randomBytes(32).toString('base64');
const SECRET = 'burn-after-reading';

/** A server and a worker with keys on one SQLite file. */
describe('PAYLOAD_KEYS', () => {
  let system: System;
  beforeAll(async () => {
    system = await startSystem('sqlite', { PAYLOAD_KEYS: `spring:${KEY}` });
  });
  afterAll(() => system?.close());

  it('keeps what jobs carry out of the store, and out of what is logged', async () => {
    const client = createClient({ url: system.server.url });
    const { jobId: id } = await client.queues.push.mutate({ queue: 'default', name: 'echo', data: { text: SECRET } });
    const job = await eventually(
      () => client.jobs.get.query({ id }),
      ({ state }) => state === 'completed',
    );
    expect(job).toMatchObject({ name: 'echo', result: { text: SECRET } });
    expect(job).not.toHaveProperty('unknownKey');
    const url = system.env.BACKEND_URL ?? '';
    const store = await openStore(url, { namespace: 'portolan', runtime: createRuntime(), deadlineMs: 5_000 });
    const seen = await createPortolan(store).queue.get(id);
    await store.close();
    expect(seen).toMatchObject({ name: 'echo', state: 'completed', attempts: 1, data: null, unknownKey: 'spring' });
    expect(seen).not.toHaveProperty('result');

    const path = url.replace('sqlite:', '');
    const files = (await readdir(dirname(path))).filter((file) => file.startsWith(basename(path)));
    const bytes = Buffer.concat(await Promise.all(files.map((file) => readFile(join(dirname(path), file)))));
    expect(bytes.includes('echo')).toBe(true);
    expect(bytes.includes(SECRET)).toBe(false);
    const logged = JSON.stringify([system.server.logs, system.worker?.logs]);
    expect(logged).not.toContain(SECRET);
    expect(logged).not.toContain(KEY);
  });

  it('shows what is under a key that it lacks as such, among the rest', async () => {
    const client = createClient({ url: system.server.url });
    const rest = async (path: string): Promise<unknown> => (await fetch(`${system.server.url}/api${path}`)).json();
    const url = system.env.BACKEND_URL ?? '';
    const store = await openStore(url, { namespace: 'portolan', runtime: createRuntime(), deadlineMs: 5_000 });
    const stranger = createPortolan(store, { payloadKeys: [{ id: 'autumn', key: randomBytes(32) }] });
    const anything = {
      '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
    } as const;
    const echo = defineJob({ name: 'echo', queue: 'strange', input: anything, output: anything });
    const { id } = await stranger.queue.enqueue(echo, SECRET, { delayMs: 600_000, priority: 2 });
    await stranger.queue.schedule(echo, SECRET, { id: 'theirs', everyMs: 86_400_000 });
    await store.close();
    await client.schedules.put.mutate({ queue: 'strange', id: 'ours', name: 'echo', data: 1, everyMs: 86_400_000 });
    const job = { id, name: 'echo', state: 'delayed', priority: 2, unknownKey: 'autumn' };
    expect(await rest(`/jobs/${id}`)).toMatchObject({ ...job, data: null });
    expect(await rest('/queues/strange/jobs?state=delayed')).toMatchObject({ jobs: [job] });
    const { schedules } = (await rest('/queues/strange/schedules')) as { schedules: unknown[] };
    expect(schedules).toHaveLength(2);
    expect(schedules).toContainEqual(expect.objectContaining({ id: 'ours', name: 'echo', data: 1 }));
    expect(schedules).toContainEqual(
      expect.objectContaining({ id: 'theirs', name: '', data: null, unknownKey: 'autumn' }),
    );
  });
});
