export { createAuthenticator, refuseForeignPages } from './auth.ts';
export { type ApiToken, type Config, LOG_LEVELS, type LogLevel, readConfig, SCOPES, type Scope } from './config.ts';
export { type LeaseKeeperThread, type LeaseKeeperThreadOptions, openLeaseKeeper } from './lease-keeper.ts';
export { type ListenAddress, listenError } from './listen-error.ts';
export { createLogger, type LevelLogger } from './logger.ts';
export { createMetrics, type Metrics, type WorkerSource } from './metrics.ts';
export { openPlatform, type Platform, type ProcessIdentity } from './platform.ts';
export { runProcess, type Stop } from './process.ts';
export { isSameStore, openStore, restoreStore, type StoreOptions } from './store.ts';
