import type { Adapter } from '@portolan/core';
import { fileIdentity } from './file-identity.ts';
import { parseLocation } from './location.ts';

/**
 * SQLite through `node:sqlite`: `sqlite:PATH[?synchronous=full]`, one file for any number of processes of one machine. Loaded when it is asked for: Node
 * tells on standard error that `node:sqlite` is experimental, which is no news for those who use another store.
 */
export function sqliteAdapter(): Adapter {
  return {
    schemes: ['sqlite'],
    open: async (url, options) => (await import('./open.ts')).openSqlite(url, options),
    identify(url) {
      const { path } = parseLocation(url);
      // A file may have several names without a link: hard links, and mounts.
      return `sqlite:${fileIdentity(path) ?? path}`;
    },
    restore: async (url, file) => (await import('./backup.ts')).restoreFile(parseLocation(url).path, file),
  };
}
