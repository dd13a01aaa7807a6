import type { DatabaseSync } from 'node:sqlite';
import { invalid } from '@portolan/core';
import { SCHEMA } from './schema.ts';

/** Marks a file as Portolan's (PRAGMA application_id): "Port" in ASCII. */
const APPLICATION_ID = 0x506f7274;

/** Each step brings the schema from its index to the next version. Steps are never changed once released, only added. */
const STEPS: readonly string[] = [SCHEMA];

function pragma(database: DatabaseSync, name: string): number {
  const row = database.prepare(`PRAGMA ${name}`).get();
  return Number(Object.values(row ?? {})[0] ?? 0);
}

/** Brings the file to this program's schema in one transaction. Throws INVALID for a file of a newer program or of another application. */
export function migrate(database: DatabaseSync): void {
  const current = pragma(database, 'user_version');
  if (current === STEPS.length && pragma(database, 'application_id') === APPLICATION_ID) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = pragma(database, 'user_version');
    const owner = pragma(database, 'application_id');
    const tables = Number(database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n ?? 0);
    if (tables > 0 && owner !== APPLICATION_ID)
      throw invalid('backend URL: the SQLite file belongs to another application');
    if (version > STEPS.length) {
      throw invalid(
        `backend URL: the SQLite file has schema ${version}, this program knows ${STEPS.length}: use a newer Portolan`,
      );
    }
    for (const step of STEPS.slice(version)) database.exec(step);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${STEPS.length}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
