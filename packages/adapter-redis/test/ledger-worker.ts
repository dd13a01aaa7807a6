import { createRuntime } from '@portolan/core';
import { startLedgerWorker } from '@portolan/testkit/ledger';
import { redisAdapter } from '../src/index.ts';

/** A worker process of `ledger.redis.test.ts`. */
const [url = '', name = '', file = ''] = process.argv.slice(2);
const runtime = createRuntime();
const backend = await redisAdapter().open(url, { namespace: 'ledger', runtime, deadlineMs: 1_000 });
const worker = startLedgerWorker(backend, runtime, name, file);
process.stdout.write('ready\n');
process.once('SIGTERM', async () => {
  await worker.stop();
  await backend.close();
  process.exit();
});
