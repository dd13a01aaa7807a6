import { type Backend, createWorker, defineJob, handle, type Runtime, type Schema, type Worker } from '@portolan/core';
import { type LedgerLine, writeLine } from './ledger.ts';

const anything: Schema = { '~standard': { version: 1, vendor: 'testkit', validate: (value) => ({ value }) } };

/** Jobs of a ledger: the data is how many ms the handler takes, the result names the run. */
export const ledgerJob = defineJob({
  name: 'ledger.entry',
  queue: 'ledger',
  input: anything,
  output: anything,
  attempts: 1,
});

/** Short enough that a test sees leases end, long enough that a busy machine does not end them by itself. */
export const LEDGER_LEASE_MS = 1_500;
/** A thread that stood still for so long may have lost its leases. */
const STILL_MS = LEDGER_LEASE_MS / 2;
const PULSE_MS = 50;

/** Kept until the audit, whatever happens. */
const KEEP = { completed: { count: 1_000_000, ms: 86_400_000 }, failed: { count: 1_000_000, ms: 86_400_000 } };

/** Starts a worker that keeps a ledger. `attempts: 1` holds for failures alone: every run in the ledger comes from a claim, a hand-back or a vanished worker. */
export function startLedgerWorker(backend: Backend, runtime: Runtime, name: string, file: string): Worker {
  let runs = 0;
  const running = new Map<string, string>();
  const tell = (what: LedgerLine['what'], id: string, run: string) =>
    writeLine(file, { what, id, run, at: Date.now() });
  let pulse = Date.now();
  setInterval(() => {
    const before = pulse;
    pulse = Date.now();
    if (pulse - before > STILL_MS) writeLine(file, { what: 'still', id: '-', run: String(before), at: pulse });
  }, PULSE_MS).unref();
  const worker = createWorker({
    port: backend.queue,
    runtime,
    handlers: [
      handle(ledgerJob, async (data, { id }) => {
        runs += 1;
        const run = `${name}/${runs}`;
        running.set(id, run);
        tell('begin', id, run);
        await runtime.sleep(Number(data));
        return run;
      }),
    ],
    queues: ['ledger'],
    concurrency: 8,
    leaseMs: LEDGER_LEASE_MS,
    maxStalls: 1_000,
    retention: KEEP,
    onEvent: ({ type, id }) => {
      const run = running.get(id);
      if (run === undefined || (type !== 'completed' && type !== 'lost')) return;
      running.delete(id);
      tell(type, id, run);
    },
  });
  worker.start();
  return worker;
}
