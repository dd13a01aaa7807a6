import { CACHE_SETTINGS, createFeatures } from '@portolan/api';
import { createPortolan } from '@portolan/core';
import { openPlatform, readConfig, runProcess } from '@portolan/platform';
import { runWorker } from '@portolan/worker';
import { createApp } from './app.ts';
import { listen } from './host.ts';

const GRACE_MS = 10_000;

await runProcess(async () => {
  const config = readConfig(process.env);
  const platform = await openPlatform(config, 'server');
  const { backend, runtime, logger, metrics } = platform;
  const { payloadKeys, workerEvents: events } = config;
  const portolan = createPortolan(backend, { runtime, cache: CACHE_SETTINGS, payloadKeys, events });
  const features = createFeatures(portolan, {
    ...config,
    role: 'server',
    version: platform.process.version,
    log: logger,
  });
  let started = false;
  void features.start().then(() => {
    started = true;
  });
  const host = await listen(
    createApp({ platform, portolan, features, started: () => started }),
    config.host,
    config.port,
  );
  // A store that lives in this process can have no worker beside it, so the server is the worker too.
  const worker = backend.capabilities.shared
    ? undefined
    : runWorker(portolan, features, { concurrency: config.workerConcurrency, logger, metrics });
  logger.info({ url: host.url, backend: backend.capabilities.name, worker: worker !== undefined }, 'server is running');
  return async () => {
    logger.info({}, 'server is closing');
    await host.close(GRACE_MS);
    await worker?.stop();
    await features.stop();
    await portolan.close();
  };
});
