import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Backend,
  createQueue,
  PortolanError,
  type QueueSummary,
  type Runtime,
  reconcileQueue,
} from '@portolan/core';
import { auditLedger, type Fault, type LedgerLine, readLines } from './ledger.ts';
import { ledgerJob } from './ledger-worker.ts';

/** A worker that keeps a ledger, wherever it runs. */
export interface LedgerWorker {
  readonly name: string;
  /** Ends it as if it had crashed: nothing is settled or handed back. */
  kill(): Promise<void>;
  /** Keeps it from doing anything until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Ends it gracefully. */
  stop(): Promise<void>;
}

export interface LedgerOptions {
  readonly backend: Backend;
  readonly runtime: Runtime;
  readonly workers: number;
  /** Faults in all, drawn from all that are possible. */
  readonly faults: number;
  start(name: string, file: string): Promise<LedgerWorker>;
  /** Faults of the store, by name. Answers the times of those that may end leases; nothing for those that must not. */
  readonly storeFaults?: Readonly<Record<string, () => Promise<Fault | undefined>>>;
  readonly leaseMs: number;
  readonly random: () => number;
}

export interface LedgerReport {
  readonly wrong: readonly string[];
  readonly acknowledged: number;
  readonly runs: number;
  readonly twice: number;
  readonly happened: readonly string[];
}

/** Jobs that are under way at a time, so that every fault meets some. */
const UNDER_WAY = 60;
/** Jobs that complete between one fault and the next. */
const BETWEEN = 40;
const LONGEST_MS = 20;

/** Workers under faults, and the audit of their ledgers. */
export async function runLedger(options: LedgerOptions): Promise<LedgerReport> {
  const { backend, runtime, random } = options;
  const folder = mkdtempSync(join(tmpdir(), 'portolan-ledger-'));
  const queue = createQueue({ port: backend.queue, runtime });
  const files = new Map<string, string>();
  const faults: Fault[] = [];
  const happened: string[] = [];
  const acknowledged: string[] = [];
  const amiss: string[] = [];
  let workers: LedgerWorker[] = [];
  let producing = true;

  async function launch(): Promise<void> {
    const name = `w${files.size}`;
    const file = join(folder, name);
    files.set(name, file);
    workers.push(await options.start(name, file));
  }

  /** As the store counts; nothing while it is away. */
  async function counts(): Promise<QueueSummary['counts'] | undefined> {
    try {
      return (await backend.queue.inspect({ of: 'jobs', queue: ledgerJob.queue, ids: [] })).queues[0]?.counts;
    } catch (error) {
      if (PortolanError.is(error) && error.retryable) return undefined;
      throw error;
    }
  }

  const completed = async (): Promise<number | undefined> => (await counts())?.completed;

  async function until(met: (now: QueueSummary['counts']) => boolean): Promise<void> {
    for (let now = await counts(); now === undefined || !met(now); now = await counts()) await runtime.sleep(20);
  }

  async function produce(): Promise<void> {
    while (producing) {
      const done = await completed();
      if (done === undefined || acknowledged.length - done >= UNDER_WAY) {
        await runtime.sleep(5);
        continue;
      }
      const calls = Array.from({ length: 10 }, () => queue.enqueue(ledgerJob, Math.round(random() * LONGEST_MS)));
      for (const made of await Promise.allSettled(calls))
        if (made.status === 'fulfilled') acknowledged.push(made.value.id);
    }
  }

  /** Whatever befalls workers and store, there is never anything to repair. */
  async function lookOver(): Promise<void> {
    while (producing) {
      try {
        const { repaired } = await reconcileQueue(backend.queue, ledgerJob.queue, { runtime });
        if (Object.keys(repaired).length > 0) amiss.push(`a reconcile repaired ${JSON.stringify(repaired)}`);
      } catch (error) {
        if (!PortolanError.is(error) || !error.retryable) throw error;
      }
      await runtime.sleep(50);
    }
  }

  const workerFaults: Record<string, (worker: LedgerWorker) => Promise<void>> = {
    async kill(worker) {
      await worker.kill();
      const now = Date.now();
      faults.push({ worker: worker.name, from: now, to: now });
      workers = workers.filter((one) => one !== worker);
      await launch();
    },
    async freeze(worker) {
      const from = Date.now();
      worker.freeze();
      await runtime.sleep(options.leaseMs * 2);
      worker.thaw();
      faults.push({ worker: worker.name, from, to: Date.now() });
    },
  };

  async function cause(): Promise<void> {
    const names = [...Object.keys(workerFaults), ...Object.keys(options.storeFaults ?? {})];
    const name = names[
      happened.length < names.length ? happened.length : Math.floor(random() * names.length)
    ] as string;
    const one = workerFaults[name];
    const worker = workers[Math.floor(random() * workers.length)] as LedgerWorker;
    if (one) await one(worker);
    else faults.push(...[await options.storeFaults?.[name]?.()].filter((fault) => fault !== undefined));
    happened.push(name);
  }

  try {
    for (let n = 0; n < options.workers; n += 1) await launch();
    const production = Promise.all([produce(), lookOver()]);
    for (let n = 0; n < options.faults; n += 1) {
      const before = (await completed()) ?? 0;
      await until((now) => now.completed >= before + BETWEEN);
      await cause();
    }
    producing = false;
    await production;
    await until(({ waiting, delayed, active }) => waiting + delayed + active === 0);
    await Promise.all(workers.map((worker) => worker.stop()));
    const ledgers = new Map<string, readonly LedgerLine[]>();
    for (const [name, file] of files) ledgers.set(name, readLines(file));
    const begun = [...ledgers.values()].flat().filter(({ what }) => what === 'begin');
    const ids = [...new Set([...acknowledged, ...begun.map(({ id }) => id)])];
    const kept = await keptJobs(backend, ids);
    const wrong = [...amiss, ...auditLedger({ acknowledged, workers: ledgers, faults, kept })];
    const jobs = new Set(begun.map(({ id }) => id)).size;
    return { wrong, acknowledged: acknowledged.length, runs: begun.length, twice: begun.length - jobs, happened };
  } finally {
    producing = false;
    await Promise.all(workers.map((worker) => worker.kill()));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function keptJobs(
  backend: Backend,
  ids: readonly string[],
): Promise<Map<string, { state: string; run: string | undefined }>> {
  const kept = new Map<string, { state: string; run: string | undefined }>();
  for (let from = 0; from < ids.length; from += 500) {
    const locals = ids.slice(from, from + 500).map((id) => id.slice(id.indexOf(':') + 1));
    const { jobs } = await backend.queue.inspect({ of: 'jobs', queue: ledgerJob.queue, ids: locals });
    for (const { id, state, result } of jobs) {
      kept.set(`${ledgerJob.queue}:${id}`, { state, run: result === null ? undefined : String(JSON.parse(result)) });
    }
  }
  return kept;
}
