import type { Logger } from '@portolan/core';
import { pino } from 'pino';
import type { LogLevel } from './config.ts';

export interface LevelLogger extends Logger {
  level: LogLevel;
}

/** Paths that never reach a log, whatever is passed in. */
const SECRET_PATHS = [
  'authorization',
  'password',
  'secret',
  'token',
  '*.authorization',
  '*.password',
  '*.secret',
  '*.token',
];

/** One JSON line per event on standard output, with the process id and the role. */
export function createLogger(level: LogLevel, fields: Readonly<Record<string, unknown>>): LevelLogger {
  const logger = pino({
    level,
    base: { pid: process.pid, ...fields },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRET_PATHS, censor: '(hidden)' },
    formatters: { level: (label) => ({ level: label }) },
  });
  return {
    get level() {
      return logger.level as LogLevel;
    },
    set level(next: LogLevel) {
      logger.level = next;
    },
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
