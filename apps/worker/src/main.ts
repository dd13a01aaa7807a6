import { CACHE_SETTINGS, createFeatures } from '@portolan/api';
import { createPortolan, invalid, type Worker } from '@portolan/core';
import { openLeaseKeeper, openPlatform, readConfig, runProcess } from '@portolan/platform';
import { HELP, readArguments } from './arguments.ts';
import { startMonitor } from './monitor.ts';
import { runWorker } from './run-worker.ts';

await runProcess(async (end) => {
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
  const { payloadKeys, workerEvents: events } = config;
  const portolan = createPortolan(backend, { runtime, cache: CACHE_SETTINGS, payloadKeys, events });
  const features = createFeatures(portolan, {
    ...config,
    role: 'worker',
    version: platform.process.version,
    log: logger,
  });
  features.start();
  const { backendUrl: url, namespace, workerMaxBlockMs: maxBlockMs, logLevel, host, workerPort: port, tokens } = config;
  let worker: Worker | undefined;
  // Before the worker: a port that is taken must not cost jobs an attempt.
  const monitor =
    port === undefined ? undefined : await startMonitor({ host, port, tokens, metrics, state: () => worker?.state });
  const leaseKeeper =
    maxBlockMs > 0 ? openLeaseKeeper({ url, namespace, runtime, maxBlockMs, logLevel, role: 'worker' }) : undefined;
  const running = runWorker(portolan, features, {
    concurrency,
    ...(queues ? { queues } : {}),
    ...(leaseKeeper ? { leaseKeeper } : {}),
    end,
    logger,
    metrics,
  });
  worker = running;
  logger.info(
    {
      concurrency,
      queues: queues ?? 'all',
      backend: backend.capabilities.name,
      ...(monitor ? { monitor: monitor.url } : {}),
    },
    'worker is running',
  );
  return async () => {
    logger.info({ active: running.active.length }, 'worker is draining');
    await running.stop();
    await leaseKeeper?.close();
    await features.stop();
    await monitor?.close();
    await portolan.close();
  };
});
