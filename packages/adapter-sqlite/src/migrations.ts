import type { DatabaseSync } from 'node:sqlite';
import { invalid } from '@portolan/core';
import { SCHEMA } from './schema.ts';

/** Marks a file as Portolan's (PRAGMA application_id): "Port" in ASCII. */
const APPLICATION_ID = 0x506f7274;

/** Each step brings the schema from its index to the next version. Steps are never changed once released, only added. */
const STEPS: readonly string[] = [SCHEMA];

function number(database: DatabaseSync, query: string): number {
  const row = database.prepare(query).get();
  return Number(Object.values(row ?? {})[0] ?? 0);
}

const STORE = 'backend URL: the SQLite file';

/**
 * Within a transaction, since another process may be making the file. Reads only. Throws INVALID, in words about `subject`, for a file of another application, or of
 * a newer program. Answers the version of the schema, 0 for a new file.
 */
function readOwner(database: DatabaseSync, subject = STORE): number {
  const owner = number(database, 'PRAGMA application_id');
  const version = number(database, 'PRAGMA user_version');
  const isNew = owner === 0 && version === 0 && number(database, 'SELECT count(*) FROM sqlite_schema') === 0;
  if (!isNew && owner !== APPLICATION_ID) throw invalid(`${subject} belongs to another application`);
  if (version > STEPS.length) {
    throw invalid(`${subject} has schema ${version}, this program knows ${STEPS.length}: use a newer Portolan`);
  }
  return version;
}

function transact<T>(database: DatabaseSync, begin: 'BEGIN' | 'BEGIN IMMEDIATE', work: () => T): T {
  database.exec(begin);
  try {
    const answer = work();
    database.exec('COMMIT');
    return answer;
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK');
  }
}

/** The version of the file's schema; see `readOwner`. Takes no lock. */
export function checkOwner(database: DatabaseSync, subject?: string): number {
  return transact(database, 'BEGIN', () => readOwner(database, subject));
}

/** Throws INVALID for a file that a program which only reads cannot use: an empty one, or one of an earlier schema. */
export function checkSchema(database: DatabaseSync): void {
  const version = checkOwner(database);
  if (version === 0) throw invalid(`${STORE} holds no store`);
  if (version < STEPS.length) {
    throw invalid(`${STORE} has schema ${version}: a server or worker that opens it brings it up to date`);
  }
}

/** Brings the file to this program's schema in one transaction. Of several processes that come at once, one does it. */
export function migrate(database: DatabaseSync): void {
  if (checkOwner(database) === STEPS.length) return;
  transact(database, 'BEGIN IMMEDIATE', () => {
    for (const step of STEPS.slice(readOwner(database))) database.exec(step);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${STEPS.length}`);
  });
}
