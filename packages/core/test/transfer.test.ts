import { describe, expect, it } from 'vitest';
import {
  type Backend,
  type CopyProgress,
  type CounterRecord,
  copyBackend,
  createRuntime,
  inspectBackend,
  PortolanError,
  type TransferPort,
  type TransferRecord,
} from '../src/index.ts';

const runtime = createRuntime({ sleep: async () => undefined });

const counter = (key: string, expiresAt: number | null = null): CounterRecord => ({
  of: 'counter',
  key,
  value: 1,
  expiresAt,
});
const counters = (count: number): CounterRecord[] => Array.from({ length: count }, (_, at) => counter(`key ${at}`));

/** A store of counters alone; a cursor is a place in the list. */
function store(records: TransferRecord[], parts: Partial<TransferPort> = {}): Backend {
  const transfer: TransferPort = {
    count: async () => records.length,
    async dump(_, cursor, limit) {
      const from = Number(cursor ?? 0);
      const end = from + limit;
      return { records: records.slice(from, end), cursor: end < records.length ? String(end) : null };
    },
    async load(more) {
      for (const record of more) if (!records.some((one) => same(one, record))) records.push(record);
    },
    ...parts,
  };
  return { transfer, capabilities: { name: 'fake', shared: false, durable: false } } as unknown as Backend;
}

const same = (one: TransferRecord, other: TransferRecord) => JSON.stringify(one) === JSON.stringify(other);

async function digest(records: TransferRecord[], stableUntil?: number) {
  const parts = ['counter'] as const;
  const [found] = await inspectBackend(store(records), {
    runtime,
    parts,
    ...(stableUntil ? { stableUntil } : {}),
    pageSize: 3,
  });
  return found;
}

describe('inspectBackend', () => {
  it('digests what is there, not the order or how often it was told', async () => {
    const records = counters(10);
    const plain = await digest(records);
    expect(plain).toMatchObject({
      records: 10,
      digest: { records: 10, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect((await digest(records.toReversed()))?.digest).toEqual(plain?.digest);
    expect((await digest([...records, ...records.slice(4)]))?.digest).toEqual(plain?.digest);
    expect((await digest(records.slice(1)))?.digest.sha256).not.toBe(plain?.digest.sha256);
    expect((await digest([]))?.digest.sha256).toBe('0'.repeat(64));
  });

  it('digests the order in which jobs of a priority wait, though told twice, and no other', async () => {
    const job = (
      id: string,
      priority = 0,
      state: 'waiting' | 'delayed' = 'waiting',
      queue = 'work',
    ): TransferRecord => ({
      of: 'job',
      ...{
        queue,
        id,
        body: '{}',
        state,
        priority,
        group: null,
        attempts: 0,
        stalls: 0,
        dedupeKey: null,
        progress: null,
      },
      ...{
        result: null,
        error: null,
        dueAt: null,
        startedAt: null,
        finishedAt: null,
        parent: null,
        awaits: null,
        logs: [],
      },
    });
    const [a, b, c] = [job('a'), job('b'), job('c')];
    const sum = async (...records: TransferRecord[]) => (await digest(records))?.digest;
    const plain = await sum(a, b, c);
    expect(plain?.records).toBe(3);
    expect(await sum(a, b, a, b, c, c)).toEqual(plain);
    expect(await sum(b, a, c)).not.toEqual(plain);
    expect(await sum(a, c, b)).not.toEqual(plain);
    expect(await sum(job('h', 1), a, b)).toEqual(await sum(a, b, job('h', 1)));
    expect(await sum(job('h', 0, 'waiting', 'other'), a, b)).toEqual(await sum(a, job('h', 0, 'waiting', 'other'), b));
    expect(await sum(job('d', 0, 'delayed'), job('e', 0, 'delayed'))).toEqual(
      await sum(job('e', 0, 'delayed'), job('d', 0, 'delayed')),
    );
  });

  it('leaves out of the digest what ends soon, and counts it', async () => {
    const records = [counter('stays'), counter('soon', 1_000), counter('later', 1_001)];
    const found = await digest(records, 1_000);
    expect(found).toMatchObject({
      records: 3,
      expiring: { records: 2, first: 1_000, last: 1_001 },
      digest: { records: 2 },
    });
    expect(found?.digest).toEqual((await digest([records[0], records[2]] as TransferRecord[], 1_000))?.digest);
  });

  it('refuses a store that cannot be moved', async () => {
    const plain = { ...store([]), transfer: undefined } as unknown as Backend;
    await expect(inspectBackend(plain, { runtime })).rejects.toMatchObject({ code: 'INVALID' });
  });
});

describe('copyBackend', () => {
  const parts = ['counter'] as const;

  it('tries again what may succeed later, and nothing else', async () => {
    const failures = [new PortolanError('UNAVAILABLE', 'away'), new PortolanError('TIMEOUT', 'late')];
    const target: TransferRecord[] = [];
    const plain = store(target);
    const to = store(target, {
      async load(records) {
        const failure = failures.shift();
        if (failure) throw failure;
        await plain.transfer?.load(records);
      },
    });
    const copied = await copyBackend({ from: store(counters(20)), to, runtime, parts, pageSize: 7 });
    expect(copied).toMatchObject([{ part: 'counter', loaded: 20, equal: true }]);
    failures.push(new PortolanError('CONFLICT', 'no'));
    await expect(
      copyBackend({ from: store(counters(1)), to, runtime, parts, intoExisting: true }),
    ).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    failures.push(...Array.from({ length: 20 }, () => new PortolanError('UNAVAILABLE', 'gone')));
    await expect(
      copyBackend({ from: store(counters(1)), to, runtime, parts, intoExisting: true }),
    ).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(failures.length).toBeGreaterThan(10);
  });

  it('stops between two pages when it is told to, and goes on there', async () => {
    const target: TransferRecord[] = [];
    const stop = new AbortController();
    let saved: string | null = null;
    const state = {
      load: () => saved,
      save(text: string) {
        saved = text;
        if (target.length >= 10) stop.abort();
      },
    };
    const options = { from: store(counters(40)), to: store(target), runtime, parts, state, pageSize: 5 };
    await expect(copyBackend({ ...options, signal: stop.signal })).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(target).toHaveLength(10);
    // The target was thrown away meanwhile: what is noted does not hold for the one in its place.
    const noted = saved;
    const anew: TransferRecord[] = [];
    expect(await copyBackend({ ...options, to: store(anew) })).toMatchObject([{ equal: true, loaded: 40 }]);
    saved = noted;
    const told: CopyProgress[] = [];
    await copyBackend({ ...options, onProgress: (progress) => told.push(progress) });
    expect(target).toHaveLength(40);
    expect(told[0]).toEqual({ phase: 'copy', part: 'counter', records: 10, total: 40 });
    expect(told.at(-1)).toEqual({ phase: 'verify', part: 'counter', records: 40, total: 40 });
  });

  it('compares again, farther ahead, when the comparison took longer than what it left out', async () => {
    let now = 0;
    const clock = { now: () => now };
    const records = [counter('stays'), counter('ends meanwhile', 100_000)];
    let walks = 0;
    const from = store(records, {
      async dump() {
        // The copy, then the first comparison, which lasts longer than a minute: one record ends on this side before it is read on the other.
        if (++walks === 2) now = 110_000;
        return { records: records.filter((one) => one.expiresAt === null || one.expiresAt > now), cursor: null };
      },
    });
    const to = store([...records]);
    const copied = await copyBackend({ from, to, runtime: createRuntime({ clock }), parts, intoExisting: true });
    expect(copied).toMatchObject([{ equal: true, from: { records: 1 } }]);
    expect(walks).toBe(3);
  });

  it('goes into a target that holds something only when it is told to, or had begun to', async () => {
    const target = counters(1);
    let pages = 0;
    const to = store(target, {
      // An empty page is not the end.
      async dump(_, cursor) {
        pages++;
        return cursor === null ? { records: [], cursor: 'behind' } : { records: target, cursor: null };
      },
    });
    let saved: string | null = null;
    const state = {
      load: () => saved,
      save(text: string) {
        saved = text;
      },
    };
    const options = { from: store(counters(5)), to, runtime, parts, state };
    await expect(copyBackend(options)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('holds something already (counter)'),
    });
    expect([pages, target.length, saved]).toEqual([2, 1, null]);
    // Killed once more, as soon as it could write.
    const away = store(target, { load: () => Promise.reject(new PortolanError('INTERNAL', 'killed')) });
    await expect(copyBackend({ ...options, to: away, intoExisting: true })).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(await copyBackend(options)).toMatchObject([{ equal: true }]);
    expect(target).toHaveLength(5);
  });

  it('refuses a state that no copy saved', async () => {
    for (const text of [
      '',
      '[]',
      '{"counter":1}',
      '{"x":{"cursor":null,"loaded":0,"done":true}}',
      '{"counter":{"cursor":1}}',
    ]) {
      const state = { load: () => text, save: () => undefined };
      const copy = copyBackend({ from: store([]), to: store([]), runtime, parts, state });
      await expect(copy, text).rejects.toMatchObject({ code: 'INVALID' });
    }
  });
});
