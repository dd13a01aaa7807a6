import { type Backend, createRuntime } from '@portolan/core';
import { chaos } from '@portolan/testkit';
import { LEDGER_LEASE_MS, type LedgerWorker, runLedger, startLedgerWorker } from '@portolan/testkit/ledger';
import { expect, it } from 'vitest';
import { memoryAdapter } from '../src/index.ts';

/** `pnpm ledger N` causes N of them on every adapter. */
const FAULTS = Number(process.env.LEDGER_FAULTS ?? 6);
const METHODS = ['exchange', 'beat', 'sweep'] as const;

const runtime = createRuntime();

/** A worker of this process whose way to the store can be cut. One that is killed is cut off for good, as if nobody heard of it any more. */
async function start(backend: Backend, name: string, file: string): Promise<LedgerWorker> {
  const way = chaos(backend.queue);
  const worker = startLedgerWorker({ ...backend, queue: way.target }, runtime, name, file);
  const cut = (): void => {
    for (const method of METHODS) way.on(method).fail('every');
  };
  return {
    name,
    async kill() {
      cut();
      await worker.stop({ graceMs: 0 });
    },
    freeze: cut,
    thaw: () => way.heal(),
    stop: () => worker.stop(),
  };
}

it(
  'under workers that vanish or are cut off, and dropped replies, no job is lost, and only those in flight run twice',
  async () => {
    const backend = await memoryAdapter().open('memory:', { namespace: 'ledger', runtime, deadlineMs: 1_000 });
    const ways = chaos(backend.queue);
    const shared: Backend = { ...backend, queue: ways.target };
    const dropReply = (method: 'push' | 'exchange' | 'beat'): undefined => {
      ways.on(method).dropReply(1);
    };
    const report = await runLedger({
      backend: shared,
      runtime,
      workers: 3,
      faults: FAULTS,
      leaseMs: LEDGER_LEASE_MS,
      random: Math.random,
      start: (name, file) => start(shared, name, file),
      storeFaults: Object.fromEntries(
        (['push', 'exchange', 'beat'] as const).map((method) => [method, async () => dropReply(method)]),
      ),
    });
    expect(report.wrong).toEqual([]);
    expect(report.acknowledged).toBeGreaterThan(FAULTS * 20);
    await backend.close();
  },
  120_000 + FAULTS * 20_000,
);
