import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createClient } from '@portolan/api/client';
import { createPortolan, createRuntime } from '@portolan/core';
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
});
