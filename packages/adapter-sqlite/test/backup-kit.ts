import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Backend, createRuntime } from '@portolan/core';
import { afterEach, beforeEach } from 'vitest';
import { sqliteAdapter } from '../src/index.ts';

export const adapter = sqliteAdapter();

/** A store and a backup of it, in a folder of each case's own. */
export const at = { folder: '', path: '', file: '' };
const opened: Backend[] = [];

export async function open(): Promise<Backend> {
  const backend = await adapter.open(`sqlite:${at.path}`, {
    namespace: 'n',
    runtime: createRuntime(),
    deadlineMs: 5_000,
  });
  opened.push(backend);
  return backend;
}
export const closeAll = () => Promise.all(opened.splice(0).map((backend) => backend.close()));
export const restore = (file = at.file) => adapter.restore?.(`sqlite:${at.path}`, file);
export const set = (backend: Backend, key: string, value = '1') =>
  backend.keyValue.commit([], [{ op: 'set', key, value, expiresAt: null }]);
export const read = async (backend: Backend, key: string) =>
  (await backend.keyValue.read([key], { as: 'text' }))[0]?.value ?? null;
export function alter(where: string, sql: string): void {
  const database = new DatabaseSync(where);
  database.exec(sql);
  database.close();
}

beforeEach(() => {
  at.folder = mkdtempSync(join(tmpdir(), 'portolan-backup-'));
  at.path = join(at.folder, 'store.db');
  at.file = join(at.folder, 'backups', 'one.db');
});
afterEach(async () => {
  await closeAll();
  rmSync(at.folder, { recursive: true, force: true });
});
