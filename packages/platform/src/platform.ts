import { hostname } from 'node:os';
import { type Backend, createRuntime, invalid, openBackend, PortolanError, type Runtime } from '@portolan/core';
import { knownAdapters } from './adapters.ts';
import { type Config, packageVersion } from './config.ts';
import { createLogger, type LevelLogger } from './logger.ts';
import { createMetrics, type Metrics } from './metrics.ts';

/** Who a process is. */
export interface ProcessIdentity {
  readonly role: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
}

/** What every Portolan process stands on. */
export interface Platform {
  readonly config: Config;
  readonly backend: Backend;
  readonly runtime: Runtime;
  readonly logger: LevelLogger;
  readonly metrics: Metrics;
  readonly process: ProcessIdentity;
}

/** Logs, metrics and an open backend for a process of this role. Does not wait for a store that is away. */
export async function openPlatform(config: Config, role: string): Promise<Platform> {
  const logger = createLogger(config.logLevel, { role });
  const runtime = createRuntime({ logger });
  const backend = await openBackend(config.backendUrl, {
    adapters: knownAdapters(),
    namespace: config.namespace,
    runtime,
  }).catch((error: Error) => {
    if (!PortolanError.is(error, 'INVALID')) throw error;
    const reason = error.message.replace(/^backend URL: /, '');
    const { backendVariable } = config;
    const url = backendVariable === 'REDIS_URL' ? 'redis://127.0.0.1:6379' : 'sqlite:.data/portolan.db';
    const example = /scheme/.test(reason) ? `; an example is ${backendVariable}=${url}` : '';
    throw invalid(`${backendVariable}: ${reason}${example}`);
  });
  return {
    config,
    backend,
    runtime,
    logger,
    metrics: createMetrics(role),
    process: { role, host: hostname(), pid: process.pid, version: packageVersion() },
  };
}
