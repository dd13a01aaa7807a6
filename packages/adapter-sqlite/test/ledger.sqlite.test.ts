import { fileURLToPath } from 'node:url';
import { createRuntime } from '@portolan/core';
import { LEDGER_LEASE_MS, processWorker, runLedger } from '@portolan/testkit/ledger';
import { expect, it } from 'vitest';
import { sqliteAdapter } from '../src/index.ts';
import { temporaryFile } from './process-kit.ts';

/** `pnpm ledger N` causes N of them on every adapter. */
const FAULTS = Number(process.env.LEDGER_FAULTS ?? 4);

it(
  'under kill -9 and frozen processes no job is lost, and only those in flight run twice',
  async () => {
    const url = `sqlite:${temporaryFile()}`;
    const runtime = createRuntime();
    const backend = await sqliteAdapter().open(url, { namespace: 'ledger', runtime, deadlineMs: 5_000 });
    try {
      const report = await runLedger({
        backend,
        runtime,
        workers: 3,
        faults: FAULTS,
        leaseMs: LEDGER_LEASE_MS,
        random: Math.random,
        start: (name, file) =>
          processWorker(name, {
            program: fileURLToPath(new URL('./ledger-worker.ts', import.meta.url)),
            args: [url, name, file],
          }),
      });
      expect(report.wrong).toEqual([]);
      expect(report.acknowledged).toBeGreaterThan(FAULTS * 20);
      console.log(`ledger: ${report.acknowledged} jobs, ${report.twice} runs more; ${report.happened.join(', ')}`);
    } finally {
      await backend.close();
    }
  },
  120_000 + FAULTS * 20_000,
);
