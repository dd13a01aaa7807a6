import type { DatabaseSync } from 'node:sqlite';

/** Ends the transaction, if there is one. Never throws: whoever calls it has an error to tell already, and a transaction that stays is met by the next BEGIN. */
export function rollBack(database: DatabaseSync): void {
  try {
    if (database.isTransaction) database.exec('ROLLBACK');
  } catch {}
}
