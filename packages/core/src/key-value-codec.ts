import { invalid, PortolanError } from './errors.ts';
import { checkKey, checkSameSlot } from './names.ts';
import type { CommitResult, Expiry, KeyCheck, KeyOp, KeyValuePort } from './ports/key-value.ts';
import type { Runtime } from './runtime.ts';
import { encodeJson } from './schema.ts';

/** A time to live in whole ms, at least 1; `'keep'` leaves the expiry that the key has. */
export type Ttl = number | 'keep';

/** What the parts of key-value share: the port, and how callers' values and TTLs become the port's. */
export interface KeyValueContext {
  readonly port: KeyValuePort;
  readonly runtime: Runtime;
  readonly maxValueBytes: number;
}

export const nameKey = (key: string): string => `key ${JSON.stringify(key)}`;

/** Absolute ms for a TTL. Throws INVALID for anything but whole ms of at least 1. */
export function expiryOf(context: KeyValueContext, ttlMs: number): number {
  const expiresAt = context.runtime.clock.now() + ttlMs;
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1 || !Number.isSafeInteger(expiresAt)) {
    throw invalid(`ttlMs ${String(ttlMs)}: whole milliseconds, at least 1`);
  }
  return expiresAt;
}

/** Expiry of a write; without a TTL it is `fallback`. */
export function writeExpiry(context: KeyValueContext, ttlMs: Ttl | undefined, fallback: null | 'keep'): Expiry {
  if (ttlMs === undefined) return fallback;
  return ttlMs === 'keep' ? ttlMs : expiryOf(context, ttlMs);
}

/** What is left to live, never below 0: the store keeps its own time. */
export function ttlOf(context: KeyValueContext, expiresAt: number | null | undefined): number | null {
  return expiresAt == null ? null : Math.max(0, expiresAt - context.runtime.clock.now());
}

/** Throws TOO_LARGE for what is longer than a value may be. */
export function checkSize<T extends string | Uint8Array>(context: KeyValueContext, value: T, what: () => string): T {
  // A UTF-16 unit is at most 3 bytes of UTF-8: most texts need no counting.
  if (value.length * 3 > context.maxValueBytes) {
    const bytes = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
    if (bytes > context.maxValueBytes) {
      throw new PortolanError('TOO_LARGE', `${what()}: ${bytes} bytes, at most ${context.maxValueBytes}`);
    }
  }
  return value;
}

export function encodeValue(context: KeyValueContext, key: string, value: unknown): string {
  const what = () => nameKey(key);
  return checkSize(context, encodeJson(value, what), what);
}

/** Checks the keys of a commit and commits. */
export function commitChecked(
  context: KeyValueContext,
  checks: readonly KeyCheck[],
  ops: readonly KeyOp[],
): Promise<CommitResult> {
  const keys = [...checks, ...ops].map((one) => checkKey(one.key));
  if (keys.length > 1) checkSameSlot(keys);
  return context.port.commit(checks, ops);
}

/** Commits one op without a check and answers its count. */
export async function commitOne(context: KeyValueContext, op: KeyOp): Promise<number> {
  checkKey(op.key);
  const result = await context.port.commit([], [op]);
  return result.ok ? (result.counts[0] ?? 0) : 0;
}
