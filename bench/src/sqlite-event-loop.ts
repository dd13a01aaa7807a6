/**
 * How long does SQLite, which works inside the process, hold its event loop? One process serves callers of every port beside the heaviest steps there are: walks over
 * many keys and documents, batches at the ports' bounds, sweeps of thousands of expired rows. Prints the delay of the event loop at rest, for the noise of the
 * machine, and under each load. Run: `npx -y pnpm@12 bench sqlite-event-loop`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHistogram, monitorEventLoopDelay, type RecordableHistogram } from 'node:perf_hooks';
import { sqliteAdapter } from '@portolan/adapter-sqlite';
import { type Backend, createRuntime, encodeIndexKey, type JobRecord, type NewJob } from '@portolan/core';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 6);
const KEYS = 50_000;
const DOCUMENTS = 20_000;
const CALLERS = 16;
const FOREVER = { completed: { count: 1_000, ms: 600_000 }, failed: { count: 1_000, ms: 600_000 } };
const TOPIC = { count: 1_000, ms: 600_000, resumeMs: 600_000 };

const folder = mkdtempSync(join(tmpdir(), 'portolan-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const runtime = createRuntime();
const url = `sqlite:${join(folder, 'bench.db')}`;
const backend = await sqliteAdapter().open(url, { namespace: 'bench', runtime, deadlineMs: 10_000 });

const text = (bytes: number) => JSON.stringify('x'.repeat(bytes));
const any = (most: number) => Math.floor(Math.random() * most);

async function setKeys(prefix: string, count: number, expiresAt: () => number | null): Promise<void> {
  for (let at = 0; at < count; at += 500) {
    const ops = Array.from({ length: 500 }, (_, n) => {
      return { op: 'set' as const, key: `${prefix}${at + n}`, value: text(200), expiresAt: expiresAt() };
    });
    await backend.keyValue.commit([], ops);
  }
}

const put = (n: number) => ({
  op: 'put' as const,
  id: `d${n}`,
  expect: 'any' as const,
  body: JSON.stringify({ n, text: text(500) }),
  entries: [
    { index: 'n', key: encodeIndexKey(n, 'n') },
    { index: 'unique', key: encodeIndexKey(`u${n}`, 'unique'), unique: true },
  ],
  expiresAt: null,
});

async function setDocuments(): Promise<void> {
  for (let at = 0; at < DOCUMENTS; at += 100) {
    await backend.document.commit(
      'd',
      Array.from({ length: 100 }, (_, n) => put(at + n)),
    );
  }
}

type Load = (backend: Backend, n: number) => Promise<unknown>;

/** What callers do all the time: small steps. */
const callers: Load[] = [
  ({ keyValue }) => keyValue.read([`k${any(KEYS)}`], { as: 'text', expiry: true }),
  ({ keyValue }) =>
    keyValue.commit([], [{ op: 'set', key: `k${any(KEYS)}`, value: text(200), expiresAt: Date.now() + 60_000 }]),
  ({ counter }) => {
    const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER, onBound: 'reject' as const };
    return counter.add([{ key: `c${any(1_000)}`, by: 1, ttlMs: 5_000, ttlMode: 'create', ...bounds }]);
  },
  ({ document }) => document.read('d', [`d${any(DOCUMENTS)}`]),
  ({ document }) => document.commit('d', [put(any(DOCUMENTS))]),
  ({ broadcast }) => broadcast.append(`t${any(20)}`, [{ data: text(200) }], TOPIC),
];

async function walkKeys({ keyValue }: Backend, match: string): Promise<void> {
  for (let cursor: string | null = null; ; ) {
    const page = await keyValue.scan({ match, cursor, limit: 1_000 });
    cursor = page.cursor;
    if (cursor === null) return;
  }
}

async function walkDocuments({ document }: Backend, index: string | null): Promise<void> {
  for (let after: string | undefined; ; ) {
    const page = await document.scan('d', { index, after, limit: 1_000 });
    if (page.next === null) return;
    after = page.next;
  }
}

const jobs = (n: number): NewJob[] =>
  Array.from({ length: 500 }, (_, at) => ({ id: `j${n}.${at}`, body: text(170), priority: 0, delayMs: 0 }));

/** The heavy steps, each alone and again and again beside the callers. */
const loads: Record<string, Load> = {
  'callers alone': () => runtime.sleep(100),
  'walk over all keys': (backend) => walkKeys(backend, '*'),
  'walk that matches no key': (backend) => walkKeys(backend, '*nothing*'),
  'commit of 500 keys': () => setKeys('b', 500, () => null),
  'thousands of keys expire': (_, n) => setKeys(`e${n}.`, 5_000, () => Date.now() + 500 + any(1_000)),
  'walk over all documents': (backend) => walkDocuments(backend, null),
  'walk over an index': (backend) => walkDocuments(backend, 'n'),
  'change feed from the start': async ({ document }) => {
    for (let after = 0; ; ) {
      const { changes, revision } = await document.changes('d', after, 1_000);
      if (changes.length === 0) return;
      after = revision;
    }
  },
  'commit of 100 documents': ({ document }, n) => {
    const first = (n * 100) % DOCUMENTS;
    return document.commit(
      'd',
      Array.from({ length: 100 }, (_, at) => put(first + at)),
    );
  },
  'append of 500 messages, read of 1,000': async ({ broadcast }) => {
    const messages = Array.from({ length: 500 }, () => ({ data: text(500) }));
    await broadcast.append('big', messages, TOPIC);
    await broadcast.read([{ topic: 'big', after: 'start' }], 1_000);
  },
  'topics that expire': async ({ broadcast }, n) => {
    const messages = Array.from({ length: 500 }, () => ({ data: text(200) }));
    await broadcast.append(`short${n}`, messages, { count: 1_000, ms: 500, resumeMs: 500 });
  },
  'push of 500 jobs, exchange of 500': async ({ queue }, n) => {
    await queue.push('q', jobs(n));
    const request = { session: 's', leaseMs: 60_000, retention: FOREVER };
    const claimed = await queue.exchange('q', { ...request, nonce: `${n}.a`, settled: [], claim: 500 });
    const settled = claimed.jobs.map(({ id }) => ({ id, outcome: 'completed' as const, result: '{}' }));
    await queue.exchange('q', { ...request, nonce: `${n}.b`, settled, claim: 0 });
  },
  'inspection of 500 jobs': async ({ queue }, n) => {
    if (n === 0) for (let at = 0; at < 20; at++) await queue.push('waiting', jobs(at));
    const seen: JobRecord[] = [];
    for (let cursor: string | null = null; ; ) {
      const page = await queue.inspect({ of: 'state', queue: 'waiting', state: 'waiting', cursor, limit: 500 });
      seen.push(...page.jobs);
      cursor = page.cursor;
      if (cursor === null) return seen;
    }
  },
};

/**
 * The processor time of each turn of the event loop, until stopped: what the delay would be on a machine with nothing else to do and a disk that is never waited for.
 */
function monitorTurns(): { readonly histogram: RecordableHistogram; stop(): void } {
  const histogram = createHistogram();
  let running = true;
  let last = process.threadCpuUsage();
  const turn = () => {
    const now = process.threadCpuUsage();
    histogram.record(Math.max(1, (now.user - last.user + now.system - last.system) * 1_000));
    last = now;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  return {
    histogram,
    stop: () => {
      running = false;
    },
  };
}

async function measure(name: string, work: (until: number) => Promise<number>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const turns = monitorTurns();
  const started = performance.now();
  const calls = await work(started + SECONDS * 1_000);
  const seconds = (performance.now() - started) / 1_000;
  delay.disable();
  turns.stop();
  const ms = (ns: number) => (ns / 1e6).toFixed(1).padStart(7);
  const columns = [delay, turns.histogram].map(
    (one) => [50, 99].map((at) => ms(one.percentile(at))).join('') + ms(one.max),
  );
  console.log(
    name.padEnd(40),
    columns.join('   '),
    Math.round(calls / seconds)
      .toLocaleString('en')
      .padStart(9),
  );
}

async function serve(load: Load | undefined, until: number): Promise<number> {
  let calls = 0;
  const call = async (at: number) => {
    for (let n = at; performance.now() < until; n++, calls++) await callers[n % callers.length]?.(backend, n);
  };
  const heavy = async () => {
    for (let n = 0; load && performance.now() < until; n++) await load(backend, n);
  };
  await Promise.all([heavy(), ...Array.from({ length: CALLERS }, (_, at) => call(at))]);
  return calls;
}

await setKeys('k', KEYS, () => null);
await setDocuments();
const only = process.argv[2];
console.log('ms                                       delay p50  p99    max    of which CPU          calls/s');
await measure('at rest', async () => {
  await runtime.sleep(SECONDS * 1_000);
  return 0;
});
for (const [name, load] of Object.entries(loads)) {
  if (only === undefined || name.includes(only)) await measure(name, (until) => serve(load, until));
}
await backend.close();
