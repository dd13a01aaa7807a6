import { invalid } from './errors.ts';
import { fullPage } from './full-page.ts';
import {
  commitChecked,
  encodeValue,
  expiryOf,
  type KeyValueContext,
  type Ttl,
  ttlOf,
  writeExpiry,
} from './key-value-codec.ts';
import { checkFields, createFields, encodeFields, type KeyValueFields } from './key-value-fields.ts';
import { createTyped, type TypedKeyValue } from './key-value-typed.ts';
import { createValues, type KeyValueValues } from './key-value-values.ts';
import type { CommitResult, KeyCheck, KeyOp, KeyValuePort } from './ports/key-value.ts';
import type { Runtime } from './runtime.ts';
import type { Schema } from './schema.ts';

export interface KeyValueOptions {
  readonly port: KeyValuePort;
  readonly runtime: Runtime;
  /** A longer value or field is TOO_LARGE. Defaults to 8 MiB. */
  readonly maxValueBytes?: number;
}

/** One step of a commit, with values as JSON and times to live. Defaults are those of the single calls. */
export type KeyChange =
  | { readonly op: 'set'; readonly key: string; readonly value: unknown; readonly ttlMs?: Ttl }
  | { readonly op: 'delete'; readonly key: string }
  | { readonly op: 'touch'; readonly key: string; readonly ttlMs: number | null }
  | {
      readonly op: 'setFields';
      readonly key: string;
      readonly fields: Readonly<Record<string, unknown>>;
      readonly ttlMs?: Ttl;
    }
  | { readonly op: 'deleteFields'; readonly key: string; readonly fields: readonly string[] };

export interface KeysOptions {
  /** A portable glob (see `glob.ts`). Defaults to `*`. */
  readonly match?: string;
  readonly cursor?: string | null;
  /** 1 to 1,000, defaults to 100. */
  readonly limit?: number;
}

export interface ListedKey {
  readonly key: string;
  readonly type: 'value' | 'fields';
  readonly ttlMs: number | null;
  /** Bytes of a value; number of fields of a key that holds fields. */
  readonly size: number;
}

export interface ListedKeys {
  readonly keys: readonly ListedKey[];
  /** null at the end. A page is short or empty before the end only where little matches among very much. */
  readonly cursor: string | null;
}

/**
 * JSON values, bytes and maps of fields under readable keys, with TTLs, conditions and versions. A TTL is whole ms, at least 1 (else
 * INVALID), and becomes an absolute time by this process's clock, so that repeating a write does not lengthen a life.
 */
export interface KeyValue extends KeyValueValues, KeyValueFields {
  /**
   * A page of the keys that match, unordered: a key that is there during the whole listing comes at least once. Cursors belong to one
   * adapter. Throws INVALID for a cursor that is none.
   */
  keys(options?: KeysOptions): Promise<ListedKeys>;
  /**
   * Several changes, all or none, if every check holds. All keys are one key or share a `{tag}` (INVALID otherwise, on every
   * adapter): they are one hash slot. One round trip.
   */
  commit(checks: readonly KeyCheck[], changes: readonly KeyChange[]): Promise<CommitResult>;
  /** Values of one schema, under keys that begin with `prefix`. */
  of<S extends Schema>(schema: S, prefix?: string): TypedKeyValue<S>;
}

const MAX_VALUE_BYTES = 8 * 1024 * 1024;
const KEYS_LIMIT = { default: 100, most: 1_000 };
const MAX_MATCH = 1_024;

/** The key-value behaviour on any adapter's port. */
export function createKeyValue(options: KeyValueOptions): KeyValue {
  const context: KeyValueContext = { ...options, maxValueBytes: options.maxValueBytes ?? MAX_VALUE_BYTES };
  const values = createValues(context);
  return {
    ...values,
    ...createFields(context),
    async keys({ match = '*', cursor = null, limit = KEYS_LIMIT.default } = {}) {
      if (!Number.isInteger(limit) || limit < 1 || limit > KEYS_LIMIT.most) {
        throw invalid(`limit ${String(limit)}: a whole number from 1 to ${KEYS_LIMIT.most}`);
      }
      if (match.length > MAX_MATCH || !match.isWellFormed()) {
        throw invalid(`match: at most ${MAX_MATCH} characters of well-formed Unicode`);
      }
      const page = await fullPage(context.runtime, cursor, limit, (from, most) =>
        context.port.scan({ match, cursor: from, limit: most }),
      );
      const keys = page.items.map(({ key, type, expiresAt, size }) => ({
        key,
        type,
        ttlMs: ttlOf(context, expiresAt),
        size,
      }));
      return { keys, cursor: page.cursor };
    },
    async commit(checks, changes) {
      return commitChecked(
        context,
        checks,
        changes.map((change) => opOf(context, change)),
      );
    },
    of: (schema, prefix = '') => createTyped(values, schema, prefix),
  };
}

function opOf(context: KeyValueContext, change: KeyChange): KeyOp {
  const { key } = change;
  switch (change.op) {
    case 'set': {
      const expiresAt = writeExpiry(context, change.ttlMs, null);
      return { op: 'set', key, value: encodeValue(context, key, change.value), expiresAt };
    }
    case 'touch':
      return { op: 'touch', key, expiresAt: change.ttlMs === null ? null : expiryOf(context, change.ttlMs) };
    case 'setFields': {
      const expiresAt = writeExpiry(context, change.ttlMs, 'keep');
      return { op: 'setFields', key, fields: encodeFields(context, key, change.fields), expiresAt };
    }
    case 'deleteFields':
      return { op: 'deleteFields', key, fields: checkFields(key, change.fields) };
    case 'delete':
      return { op: 'delete', key };
  }
}
