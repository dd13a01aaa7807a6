import { fileURLToPath } from 'node:url';
import { createRuntime } from '@portolan/core';
import { EVERY_WORKER, LEDGER_LEASE_MS, processWorker, runLedger, startReplyDropper } from '@portolan/testkit/ledger';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { redisAdapter } from '../src/index.ts';
import { answering, describeFaults, start } from './fault-kit.ts';

/** `pnpm ledger N` causes N of them on every adapter. */
const FAULTS = Number(process.env.LEDGER_FAULTS ?? 7);

describeFaults('the ledger in Redis', () => {
  it(
    'under kill -9, frozen processes, cut connections, flushed scripts, dropped replies and restarts no job is lost, and only those in flight run twice',
    async () => {
      const server = await start({ appendOnly: true, args: ['--appendfsync', 'always'] });
      const dropper = await startReplyDropper(server.port);
      const runtime = createRuntime();
      const backend = await redisAdapter().open(server.url, { namespace: 'ledger', runtime, deadlineMs: 1_000 });
      const admin = new Redis(server.url, { lazyConnect: true, maxRetriesPerRequest: null });
      admin.on('error', () => undefined);
      const harmless = (cause: () => unknown) => async () => {
        await cause();
        return undefined;
      };
      const restart = async (end: () => Promise<void>) => {
        const from = Date.now();
        await end();
        await server.start();
        await answering(backend);
        return { worker: EVERY_WORKER, from, to: Date.now() };
      };
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
              args: [`redis://127.0.0.1:${dropper.port}`, name, file],
            }),
          storeFaults: {
            clientKill: harmless(() => admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
            scriptFlush: harmless(() => admin.script('FLUSH')),
            dropReplies: harmless(() => dropper.drop()),
            restart: () => restart(() => server.stop()),
            killAndRestart: () => restart(() => server.kill()),
          },
        });
        expect(report.wrong).toEqual([]);
        expect(report.acknowledged).toBeGreaterThan(FAULTS * 20);
        console.log(`ledger: ${report.acknowledged} jobs, ${report.twice} runs more; ${report.happened.join(', ')}`);
      } finally {
        admin.disconnect();
        await backend.close();
        await dropper.close();
      }
    },
    120_000 + FAULTS * 20_000,
  );
});
