import { parseArgs } from 'node:util';
import { CACHE_SETTINGS, createFeatures } from '@portolan/api';
import { createPortolan, invalid } from '@portolan/core';
import { type Config, openLeaseKeeper, openPlatform, readConfig, runProcess } from '@portolan/platform';
import { runWorker } from './run-worker.ts';

const HELP = `worker: runs jobs and answers commands.

  --concurrency N   jobs at a time (WORKER_CONCURRENCY, 50)
  --queues a,b      only these queues (all that the store knows)
  --help            this text

Configuration comes from the environment; BACKEND_URL must be a store that other processes can reach.`;

function readArguments(config: Config): { help: boolean; concurrency: number; queues?: string[] } {
  const { values } = parseArgs({
    options: { concurrency: { type: 'string' }, queues: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  const concurrency = values.concurrency === undefined ? config.workerConcurrency : Number(values.concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 10_000) {
    throw invalid(
      `--concurrency: ${values.concurrency} is not a whole number from 1 to 10000; an example is --concurrency 50`,
    );
  }
  const queues = values.queues
    ?.split(',')
    .map((queue) => queue.trim())
    .filter(Boolean);
  if (queues?.length === 0) throw invalid('--queues: no queue is named; an example is --queues pages,default');
  return { help: values.help, concurrency, ...(queues ? { queues } : {}) };
}

await runProcess(async () => {
  const config = readConfig(process.env);
  const { help, concurrency, queues } = readArguments(config);
  if (help) {
    process.stdout.write(`${HELP}\n`);
    return undefined;
  }
  const platform = await openPlatform(config, 'worker');
  const { backend, runtime, logger, metrics } = platform;
  if (!backend.capabilities.shared) {
    throw invalid(
      `BACKEND_URL: ${backend.capabilities.name}: lives in one process, so the server runs the worker itself; an example for a worker is BACKEND_URL=redis://127.0.0.1:6379`,
    );
  }
  const portolan = createPortolan(backend, { runtime, cache: CACHE_SETTINGS, payloadKeys: config.payloadKeys });
  const features = createFeatures(portolan, {
    ...config,
    role: 'worker',
    version: platform.process.version,
    log: logger,
  });
  features.start();
  const { backendUrl: url, namespace, workerMaxBlockMs: maxBlockMs, logLevel } = config;
  const leaseKeeper =
    maxBlockMs > 0 ? openLeaseKeeper({ url, namespace, runtime, maxBlockMs, logLevel, role: 'worker' }) : undefined;
  const worker = runWorker(portolan, features, {
    concurrency,
    ...(queues ? { queues } : {}),
    ...(leaseKeeper ? { leaseKeeper } : {}),
    logger,
    metrics,
  });
  logger.info({ concurrency, queues: queues ?? 'all', backend: backend.capabilities.name }, 'worker is running');
  return async () => {
    logger.info({ active: worker.active.length }, 'worker is draining');
    await worker.stop();
    await leaseKeeper?.close();
    await features.stop();
    await portolan.close();
  };
});
