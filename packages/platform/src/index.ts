export { type ApiToken, type Config, LOG_LEVELS, type LogLevel, readConfig, SCOPES, type Scope } from './config.ts';
export { type LeaseKeeperThread, type LeaseKeeperThreadOptions, openLeaseKeeper } from './lease-keeper.ts';
export { createLogger, type LevelLogger } from './logger.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export { openPlatform, type Platform, type ProcessIdentity } from './platform.ts';
export { runProcess, type Stop } from './process.ts';
export { isSameStore, openStore, restoreStore, type StoreOptions } from './store.ts';
