import { contentVersion, type Expiry, type KeyCheck, type KeyOp, PortolanError } from '@portolan/core';
import type { SqliteContext } from './context.ts';
import { toColumn } from './text.ts';

interface Row {
  readonly id: number;
  readonly expires_at: number | null;
  /** null for a key that holds a value. */
  readonly fields: number | null;
}

/** A map of more fields is not deleted at once: its row is put aside for the sweep. */
const FIELDS_AT_ONCE = 200;

/** Values that one step of the sweep frees: a large one costs a visit to each of its pages. */
const SWEPT_BYTES = 4 * 1024 * 1024;

const FIND = 'SELECT id, expires_at, fields FROM key_value WHERE namespace = ? AND key = ?';
const VALUE = 'SELECT value FROM key_value WHERE id = ?';
const SET = `INSERT INTO key_value (namespace, key, expires_at, value) VALUES (?, ?, ?, ?)
  ON CONFLICT (namespace, key) DO UPDATE SET expires_at = excluded.expires_at, value = excluded.value WHERE fields IS NULL`;
const NEW_MAP = 'INSERT INTO key_value (namespace, key, fields) VALUES (?, ?, 0)';
const TOUCH = 'UPDATE key_value SET expires_at = ? WHERE id = ?';
const COUNT = 'UPDATE key_value SET fields = ?, expires_at = ? WHERE id = ?';
const REMOVE = 'DELETE FROM key_value WHERE id = ?';
const PUT_ASIDE = 'UPDATE key_value SET namespace = -namespace, key = id, expires_at = 0 WHERE id = ?';
const NEW_FIELD = 'INSERT INTO key_value_field (entry, field, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING';
const SET_FIELD = 'UPDATE key_value_field SET value = ? WHERE entry = ? AND field = ?';
const REMOVE_FIELD = 'DELETE FROM key_value_field WHERE entry = ? AND field = ?';
const REMOVE_FIELDS = `DELETE FROM key_value_field WHERE entry = ?1 AND field IN
  (SELECT field FROM key_value_field WHERE entry = ?1 LIMIT ?2)`;
const EXPIRED = `SELECT id, fields, octet_length(value) AS bytes FROM key_value
  WHERE expires_at IS NOT NULL AND expires_at <= ? ORDER BY expires_at LIMIT ?`;

export function keyConflict(): PortolanError {
  return new PortolanError('CONFLICT', 'the key holds another kind of data');
}

/** The steps of a commit, each within a write. */
export class KeyValueRows {
  readonly #context: SqliteContext;

  constructor(context: SqliteContext) {
    this.#context = context;
  }

  holds({ key, is }: KeyCheck): boolean {
    const row = this.#live(key);
    if (is === 'absent') return !row;
    if (is === 'present') return row !== undefined;
    if (!row || row.fields !== null) return false;
    const stored = this.#sql(VALUE).get(row.id)?.value as string | Uint8Array;
    return contentVersion(stored) === is.version;
  }

  /** Answers the count of the op. */
  apply(op: KeyOp): number {
    switch (op.op) {
      case 'set':
        return this.set(op.key, op.value, op.expiresAt === 'keep' ? this.#kept(op.key) : op.expiresAt);
      case 'delete': {
        const row = this.#live(op.key);
        if (row) this.#remove(row);
        return row ? 1 : 0;
      }
      case 'touch': {
        const row = this.#live(op.key);
        if (row) this.#sql(TOUCH).run(op.expiresAt, row.id);
        return row ? 1 : 0;
      }
      case 'setFields':
        return this.#setFields(op.key, op.fields, op.expiresAt);
      case 'deleteFields':
        return this.#deleteFields(op.key, op.fields);
    }
  }

  /** Mostly one statement; a key that holds fields is emptied first. */
  set(key: string, value: string | Uint8Array, expiresAt: number | null): number {
    if (!this.overwrite(key, value, expiresAt)) {
      const row = this.#find(key);
      if (row) this.#remove(row);
      this.overwrite(key, value, expiresAt);
    }
    return 1;
  }

  /** One statement. False, and nothing is changed, when the key holds fields. */
  overwrite(key: string, value: string | Uint8Array, expiresAt: number | null): boolean {
    const stored = typeof value === 'string' ? toColumn(value) : value;
    return this.#sql(SET).run(this.#context.namespace, key, expiresAt, stored).changes !== 0;
  }

  /** Removes at most `limit` rows, of keys and fields of any namespace that expired or were put aside; answers `limit` when it left some. */
  sweep(limit: number): number {
    let removed = 0;
    let freed = 0;
    for (const { id, fields, bytes } of this.#sql(EXPIRED).all(this.#context.now(), limit)) {
      if (freed > SWEPT_BYTES) return limit;
      freed += Number(bytes ?? 0);
      if (fields !== null) removed += Number(this.#sql(REMOVE_FIELDS).run(id as number, limit - removed).changes);
      if (removed >= limit) break;
      removed += Number(this.#sql(REMOVE).run(id as number).changes);
    }
    return removed;
  }

  #setFields(key: string, fields: Readonly<Record<string, string>>, expiresAt: Expiry): number {
    const found = this.#find(key);
    const row = found && this.#isLive(found) ? found : undefined;
    if (row && row.fields === null) throw keyConflict();
    if (found && !row) this.#remove(found);
    const id = row?.id ?? Number(this.#sql(NEW_MAP).run(this.#context.namespace, key).lastInsertRowid);
    let added = 0;
    for (const [field, text] of Object.entries(fields)) {
      const value = toColumn(text);
      if (this.#sql(NEW_FIELD).run(id, field, value).changes === 1) added++;
      else this.#sql(SET_FIELD).run(value, id, field);
    }
    const kept = expiresAt === 'keep' ? (row?.expires_at ?? null) : expiresAt;
    this.#sql(COUNT).run((row?.fields ?? 0) + added, kept, id);
    return added;
  }

  #deleteFields(key: string, fields: readonly string[]): number {
    const row = this.#live(key);
    if (!row) return 0;
    if (row.fields === null) throw keyConflict();
    let removed = 0;
    for (const field of fields) removed += Number(this.#sql(REMOVE_FIELD).run(row.id, field).changes);
    if (removed === row.fields) this.#sql(REMOVE).run(row.id);
    else if (removed > 0) this.#sql(COUNT).run(row.fields - removed, row.expires_at, row.id);
    return removed;
  }

  #remove({ id, fields }: Row): void {
    if (fields !== null && fields > FIELDS_AT_ONCE) {
      this.#sql(PUT_ASIDE).run(id);
      return;
    }
    if (fields !== null) this.#sql(REMOVE_FIELDS).run(id, fields);
    this.#sql(REMOVE).run(id);
  }

  #kept(key: string): number | null {
    return this.#live(key)?.expires_at ?? null;
  }

  #find(key: string): Row | undefined {
    return this.#sql(FIND).get(this.#context.namespace, key) as Row | undefined;
  }

  #live(key: string): Row | undefined {
    const row = this.#find(key);
    return row && this.#isLive(row) ? row : undefined;
  }

  #isLive({ expires_at }: Row): boolean {
    return expires_at === null || expires_at > this.#context.now();
  }

  #sql(text: string) {
    return this.#context.engine.sql(text);
  }
}
