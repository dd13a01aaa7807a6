import { appendFileSync, readFileSync } from 'node:fs';

/**
 * What a worker tells of each run, in a file of its own, one line at a time, so that a kill -9 leaves every line that was written: `begin` before the handler does
 * anything, then what the store confirmed (`completed`) or refused (`lost`). `run` is unique to the run. `still` tells that the worker's thread stood still, since
 * the ms in `run`.
 */
export interface LedgerLine {
  readonly what: 'begin' | 'completed' | 'lost' | 'still';
  readonly id: string;
  readonly run: string;
  /** ms since the epoch; every process of a ledger runs on one machine. */
  readonly at: number;
}

export function writeLine(file: string, line: LedgerLine): void {
  appendFileSync(file, `${line.what} ${line.id} ${line.run} ${line.at}\n`);
}

export function readLines(file: string): LedgerLine[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => {
      const [what, id = '', run = '', at] = text.split(' ');
      return { what: what as LedgerLine['what'], id, run, at: Number(at) };
    });
}

/** The worker of a fault that befell all. */
export const EVERY_WORKER = '*';

/** A time in which a worker could not do its part, as its leases see it: it was killed, frozen, or cut off for longer than they last. */
export interface Fault {
  readonly worker: string;
  readonly from: number;
  readonly to: number;
}

export interface Ledger {
  /** Ids whose enqueue was acknowledged. */
  readonly acknowledged: readonly string[];
  /** What each worker told, by its name. */
  readonly workers: ReadonlyMap<string, readonly LedgerLine[]>;
  readonly faults: readonly Fault[];
  /** Of each job at the end: its state and, when completed, the run whose result the store kept. */
  readonly kept: ReadonlyMap<string, { readonly state: string; readonly run: string | undefined }>;
}

/**
 * What is wrong with a ledger, in words; nothing when the promises of the queue held:
 *
 * - no acknowledged job was lost: each has completed, and the result kept is that of a run which began;
 * - of the runs of a job at most one is by a worker that met no fault while it ran: only jobs in flight at a fault ran twice;
 * - no settle from a lost lease was accepted: the run whose result is kept was not told that its lease was lost, and no other run was confirmed.
 */
export function auditLedger({ acknowledged, workers, faults, kept }: Ledger): string[] {
  const wrong: string[] = [];
  const all = [...workers].flatMap(([worker, lines]) => runsOf(worker, lines));
  const stood = [...workers].flatMap(([worker, lines]) => standstills(worker, lines));
  for (const id of acknowledged) {
    const state = kept.get(id)?.state ?? 'unknown';
    if (state !== 'completed') wrong.push(`${id}: acknowledged, and in the end ${state}`);
  }
  for (const [id, runs] of Map.groupBy(all, (run) => run.id)) {
    const end = kept.get(id);
    const told = runs.map(({ run, worker, ended }) => `${run} by ${worker} (${ended?.what ?? 'not told'})`).join(', ');
    if (end?.state === 'completed' && !runs.some(({ run }) => run === end.run)) {
      wrong.push(`${id}: the result kept is of run ${end.run}, which never began; there were ${told}`);
    }
    for (const { run, ended } of runs) {
      if (ended?.what === 'lost' && run === end?.run)
        wrong.push(`${id}: the result of ${run} was accepted without a lease; ${told}`);
      if (ended?.what === 'completed' && run !== end?.run)
        wrong.push(`${id}: ${run} was confirmed, the result kept is of ${end?.run}; ${told}`);
    }
    const sound = runs.filter((run) => ![...faults, ...stood].some((fault) => meets(fault, run)));
    if (sound.length > 1) wrong.push(`${id}: ran ${sound.length} times without a fault; ${told}`);
  }
  return wrong;
}

interface RunOfJob {
  readonly id: string;
  readonly run: string;
  readonly worker: string;
  readonly at: number;
  readonly ended: LedgerLine | undefined;
}

function runsOf(worker: string, lines: readonly LedgerLine[]): RunOfJob[] {
  const ends = new Map(
    lines.filter(({ what }) => what === 'completed' || what === 'lost').map((line) => [line.run, line]),
  );
  return lines
    .filter(({ what }) => what === 'begin')
    .map(({ id, run, at }) => ({ id, run, worker, at, ended: ends.get(run) }));
}

function standstills(worker: string, lines: readonly LedgerLine[]): Fault[] {
  return lines.filter(({ what }) => what === 'still').map(({ run, at }) => ({ worker, from: Number(run), to: at }));
}

/** A run claimed just before a fault may begin just after it, and learns of its end later still. */
const AFTERMATH_MS = 5_000;

function meets({ worker, from, to }: Fault, run: RunOfJob): boolean {
  const until = run.ended?.at ?? Number.POSITIVE_INFINITY;
  return (worker === EVERY_WORKER || worker === run.worker) && to + AFTERMATH_MS >= run.at && from <= until;
}
