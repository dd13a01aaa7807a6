import {
  type CommitResult,
  decodeCursor,
  encodeCursor,
  globEnds,
  globMatcher,
  type KeyCheck,
  type KeyInfo,
  type KeyOp,
  type KeyPage,
  type KeyScan,
  type KeyValuePort,
  prefixGlob,
  type StoredValue,
  type ValueForm,
  type ValueOf,
} from '@portolan/core';
import type { SqliteContext } from './context.ts';
import { KeyValueRows, keyConflict } from './key-value-rows.ts';
import { isBefore, prefixEnd } from './range.ts';
import { fromColumn } from './text.ts';

/** Keys that a page looks at for a glob which a range cannot decide: about 2 ms. */
const LOOKED_AT = 1_000;

const READ = 'SELECT value, expires_at FROM key_value WHERE namespace = ? AND key = ? AND fields IS NULL';
const MAP = 'SELECT id, expires_at, fields FROM key_value WHERE namespace = ? AND key = ?';
const FIELD = 'SELECT value FROM key_value_field WHERE entry = ? AND field = ?';
const FIELDS = 'SELECT field, value FROM key_value_field WHERE entry = ?';
const describe = (condition: string): string =>
  `SELECT key, expires_at, fields, coalesce(fields, octet_length(value)) AS size FROM key_value
   WHERE namespace = ?1 AND ${condition} ORDER BY key LIMIT ?2`;
const EXACT = describe('key = ?3');
/** One lower bound each: SQLite would seek to the first of two and step over all that the second leaves out. */
const FROM = { at: describe('key >= ?3'), behind: describe('key > ?3') };
const RANGE = { at: describe('key >= ?3 AND key < ?4'), behind: describe('key > ?3 AND key < ?4') };

type Row = Record<string, unknown>;

/** Keys are rows; the fields of a key that holds a map are rows of another table. Reads take no lock; a commit is one write. */
export function sqliteKeyValue(context: SqliteContext): KeyValuePort {
  const { engine, namespace } = context;
  const rows = new KeyValueRows(context);
  context.onSweep((limit) => rows.sweep(limit));

  const isLive = (row: Row): boolean => row.expires_at === null || (row.expires_at as number) > context.now();

  function readOne<F extends ValueForm>(key: string, form: F, expiry: boolean | undefined): StoredValue<F> | null {
    const row = engine.arrays(READ).get(namespace, key) as unknown as [unknown, number | null] | undefined;
    if (row === undefined) return null;
    const [stored, expiresAt] = row;
    if (expiresAt !== null && expiresAt <= context.now()) return null;
    const value = inForm(stored, form);
    return expiry ? { value, expiresAt } : { value };
  }

  return {
    read: (keys, want) => engine.read(() => keys.map((key) => readOne(key, want.as, want.expiry))),

    readFields: (key, fields) =>
      engine.snapshot(() => {
        const map = engine.sql(MAP).get(namespace, key);
        if (!map || !isLive(map)) return null;
        if (map.fields === null) throw keyConflict();
        const id = map.id as number;
        const found = fields
          ? fields.flatMap((field) => {
              const row = engine.sql(FIELD).get(id, field);
              return row ? [[field, row.value] as const] : [];
            })
          : (engine.arrays(FIELDS).all(id) as unknown as [string, unknown][]);
        return Object.fromEntries(found.map(([field, value]) => [field, fromColumn(value)]));
      }),

    commit(checks: readonly KeyCheck[], ops: readonly KeyOp[]): Promise<CommitResult> {
      const [op] = ops;
      if (op?.op === 'set' && ops.length === 1 && checks.length === 0 && op.expiresAt !== 'keep') {
        const { key, expiresAt } = op;
        const value = ownValue(op.value);
        return engine.write(
          () => ({ ok: true, counts: [rows.set(key, value, expiresAt)] }),
          () => (rows.overwrite(key, value, expiresAt) ? { ok: true, counts: [1] } : undefined),
        );
      }
      const own = ops.map((one) => (one.op === 'set' ? { ...one, value: ownValue(one.value) } : one));
      const decide = (): CommitResult => {
        const failed = checks.findIndex((check) => !rows.holds(check));
        if (failed >= 0) return { ok: false, failed };
        return { ok: true, counts: own.map((op) => rows.apply(op)) };
      };
      return own.length === 0 ? engine.snapshot(decide) : engine.write(decide);
    },

    async scan({ match, cursor, limit }: KeyScan): Promise<KeyPage> {
      const after =
        cursor === null ? '' : decodeCursor(cursor, (content) => (typeof content === 'string' ? content : undefined));
      const { prefix, exact } = globEnds(match);
      const matches = globMatcher(match);
      const end = prefixEnd(prefix);
      const most = exact ? 1 : match === prefixGlob(prefix) ? limit + 1 : Math.max(limit + 1, LOOKED_AT);
      const found = await engine.read((): Row[] => {
        if (exact) return after < prefix ? engine.sql(EXACT).all(namespace, most, prefix) : [];
        const [place, bound] = isBefore(after, prefix) ? (['at', prefix] as const) : (['behind', after] as const);
        if (end === null) return engine.sql(FROM[place]).all(namespace, most, bound);
        return engine.sql(RANGE[place]).all(namespace, most, bound, end);
      });
      const items: KeyInfo[] = [];
      let last = after;
      for (const row of found) {
        if (items.length === limit) return { items, cursor: encodeCursor(last) };
        last = row.key as string;
        if (isLive(row) && matches(last)) items.push(toInfo(row));
      }
      return { items, cursor: found.length === most && !exact ? encodeCursor(last) : null };
    },
  };
}

/** The caller may change its bytes before the write comes to its turn. */
const ownValue = (value: string | Uint8Array): string | Uint8Array =>
  typeof value === 'string' ? value : Uint8Array.from(value);

function inForm<F extends ValueForm>(stored: unknown, form: F): ValueOf<F> {
  if (form === 'text') return fromColumn(stored) as ValueOf<F>;
  return (typeof stored === 'string' ? new Uint8Array(Buffer.from(stored)) : stored) as ValueOf<F>;
}

const toInfo = (row: Row): KeyInfo => ({
  key: row.key as string,
  type: row.fields === null ? 'value' : 'fields',
  expiresAt: row.expires_at as number | null,
  size: row.size as number,
});
