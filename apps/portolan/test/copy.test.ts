import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_REDIS, startTestRedis } from '@portolan/testkit/choose-redis';
import { afterAll, describe, expect, it } from 'vitest';
import { run, start } from './command-line.ts';
import { FIGURES, fill, open } from './fill.ts';

const redis = await startTestRedis();
if (!redis) console.warn(NO_REDIS);
const folder = mkdtempSync(join(tmpdir(), 'portolan-copy-'));
const namespace = `copy-${process.pid}-${Date.now()}`;
afterAll(async () => {
  await redis?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Told {
  readonly parts: readonly {
    readonly part: string;
    readonly records: number;
    readonly digest: { readonly records: number; readonly sha256: string };
  }[];
}

/** What `inspect` tells of a store. */
async function digests(url: string): Promise<Record<string, { records: number; sha256: string }>> {
  const { code, out, err } = await run(['inspect', url, '--json', '--namespace', namespace]);
  expect(err).toBe('');
  expect(code).toBe(0);
  return Object.fromEntries((JSON.parse(out) as Told).parts.map(({ part, digest }) => [part, digest]));
}

/** Kills the command once its state file tells that some pages of a part are loaded, and not all; small ones, so that it is not over before. */
async function killedWithin(part: string, args: readonly string[], state: string): Promise<void> {
  const { child, ended } = start([...args, '--state', state, '--page-size', '20']);
  const isWithin = () => {
    if (!existsSync(state)) return false;
    const { notes } = JSON.parse(readFileSync(state, 'utf8')) as { notes: string };
    const note = (JSON.parse(notes) as Record<string, { cursor: string | null; done: boolean }>)[part];
    return note !== undefined && note.cursor !== null && !note.done;
  };
  while (!isWithin() && child.exitCode === null) await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGKILL');
  expect((await ended).code).toBeNull();
}

const timed = async <T>(what: string, work: Promise<T>): Promise<T> => {
  const started = performance.now();
  const answer = await work;
  if (process.env.COPY_FIGURES === 'full')
    console.info(`${what}: ${((performance.now() - started) / 1_000).toFixed(1)} s`);
  return answer;
};

describe.skipIf(!redis)('copy from SQLite to Redis and back', () => {
  const first = `sqlite:${join(folder, 'first.db')}`;
  const last = `sqlite:${join(folder, 'last.db')}`;
  const middle = redis?.url ?? '';

  it('is killed half-way on both ways, goes on, and ends with equal digests', async () => {
    const source = await open(first, namespace);
    await timed('fill', fill(source, FIGURES));
    await source.close();

    const up = ['copy', first, middle, '--namespace', namespace];
    const upState = join(folder, 'up.json');
    await killedWithin('document', up, upState);
    const moved = await timed('the rest to Redis', run([...up, '--state', upState]));
    expect(moved).toMatchObject({ code: 0 });
    expect(moved.out).toContain('going on from');
    expect(existsSync(upState)).toBe(false);

    const down = ['copy', middle, last, '--namespace', namespace];
    const downState = join(folder, 'down.json');
    await killedWithin('queue', down, downState);
    expect(await timed('the rest to SQLite', run([...down, '--state', downState]))).toMatchObject({ code: 0 });

    const [a, b, c] = [
      await timed('inspect SQLite', digests(first)),
      await timed('inspect Redis', digests(middle)),
      await digests(last),
    ];
    expect(b).toEqual(a);
    expect(c).toEqual(a);
    expect(a).toMatchObject({
      document: { records: FIGURES.documents - 1 },
      keyValue: { records: FIGURES.keys + 2 },
      queue: { records: FIGURES.jobs + 2 },
      broadcast: { records: FIGURES.messages + 1 },
    });
    if (process.env.COPY_FIGURES === 'full') console.info(a);

    // Jobs run in their old order there: those of priority 5 first.
    const home = await open(last, namespace);
    const retention = { completed: { count: 9, ms: 9_000 }, failed: { count: 9, ms: 9_000 } };
    const { jobs } = await home.queue.exchange('mail', {
      session: 's',
      nonce: 'n',
      leaseMs: 9_000,
      settled: [],
      claim: 3,
      retention,
    });
    expect(jobs.map(({ id }) => id)).toEqual(['job 000000', 'job 000050', 'job 000100']);
    await home.close();
  }, 600_000);

  it('tells what differs and fails', async () => {
    const target = await open(last, namespace);
    await target.counter.write('stranger', 1);
    await target.close();
    const state = join(folder, 'again.json');
    const again = ['copy', middle, last, '--namespace', namespace, '--parts', 'counter', '--state', state];
    const refused = await run(again);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('holds something already (counter)') });
    expect(existsSync(state)).toBe(false);
    const { code, out } = await run([...again, '--into-existing']);
    expect(code).toBe(1);
    expect(out).toMatch(/counter +1 records .* DIFFERENT: 2 in the target/);
    expect(out).toContain('Empty the target');
    // What is noted would be taken for loaded when the target has been emptied, as was advised.
    expect(existsSync(state)).toBe(false);
    const emptied = await open(last, namespace);
    for (const counter of ['stranger', 'visits']) await emptied.counter.write(counter, null);
    await emptied.close();
    expect(await run(again)).toMatchObject({ code: 0 });
  }, 120_000);

  it('finds a full Redis as well, and refuses a source without the namespace before anything is made', async () => {
    const full = await run(['copy', first, middle, '--namespace', namespace, '--state', join(folder, 'full.json')]);
    expect(full.code).toBe(1);
    expect(full.err).toContain('holds something already (keyValue, counter, cache, document, queue, broadcast)');
    const made = join(folder, 'made.db');
    for (const from of [first, middle]) {
      expect(await run(['copy', from, `sqlite:${made}`, '--namespace', 'tpyo'])).toMatchObject({
        code: 2,
        out: '',
        err: expect.stringContaining('nothing under the namespace tpyo'),
      });
    }
    expect(existsSync(made)).toBe(false);
    expect(await run(['inspect', first, '--namespace', 'tpyo'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('there is nothing under this namespace'),
    });
  }, 60_000);
});
