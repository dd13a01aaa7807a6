import { type Backend, createRuntime, PortolanError } from '@portolan/core';
import { sqliteAdapter } from '../src/index.ts';

/** What a peer tells at its end, as JSON. */
export interface Contended {
  readonly done: number;
  /** Errors that callers saw. */
  readonly failed: readonly string[];
  /** ms: the longest that one call took. */
  readonly slowest: number;
}

/** Callers in one process that write and read without pause for `ms`; `churn` opens and closes the file again and again meanwhile. */
const [file = '', peer = '', how = '', ms = '0', deadline = '0'] = process.argv.slice(2);
const CALLERS = 8;
const runtime = createRuntime();
const open = () => sqliteAdapter().open(`sqlite:${file}`, { namespace: 'n', runtime, deadlineMs: Number(deadline) });
const report = { done: 0, failed: [] as string[], slowest: 0 };
const RETENTION = { count: 500, ms: 600_000, resumeMs: 600_000 };

async function timed<T>(call: () => Promise<T>): Promise<T | undefined> {
  const started = performance.now();
  try {
    const answer = await call();
    report.done++;
    return answer;
  } catch (error) {
    report.failed.push(PortolanError.is(error) ? `${error.code} ${error.message}` : String(error));
  } finally {
    report.slowest = Math.max(report.slowest, performance.now() - started);
  }
}

const calls: ((backend: Backend, caller: number, n: number) => Promise<unknown>)[] = [
  ({ keyValue }, caller, n) =>
    keyValue.commit([], [{ op: 'set', key: `${peer}.${caller}`, value: `${n}`, expiresAt: null }]),
  ({ keyValue }, caller, n) => {
    const ops = Array.from({ length: 50 }, (_, at) => {
      return { op: 'set' as const, key: `{shared}${at}`, value: `${caller} ${n}`.repeat(50), expiresAt: null };
    });
    return keyValue.commit([], ops);
  },
  ({ keyValue }) => keyValue.scan({ match: '*', cursor: null, limit: 100 }),
  ({ broadcast }, _, n) => broadcast.append('t', [{ data: `${n}` }], RETENTION, { members: true }),
  ({ broadcast }) => broadcast.read([{ topic: 't', after: 'start' }], 100),
  ({ broadcast }) => broadcast.join('t', { id: peer, info: '{}' }, 10_000),
];

async function caller(backend: Backend, at: number, until: number): Promise<void> {
  for (let n = at; Date.now() < until; n++) {
    const call = calls[n % calls.length];
    await timed(async () => call?.(backend, at, n));
  }
}

const until = Date.now() + Number(ms);
while (Date.now() < until) {
  const backend = await timed(open);
  if (!backend) continue;
  const end = how === 'churn' ? Math.min(until, Date.now() + 20) : until;
  await Promise.all(Array.from({ length: CALLERS }, (_, at) => caller(backend, at, end)));
  await timed(() => backend.close());
}
console.log(JSON.stringify(report satisfies Contended));
