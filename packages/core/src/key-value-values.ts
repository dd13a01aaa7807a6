import { contentVersion } from './content-version.ts';
import { invalid, PortolanError } from './errors.ts';
import {
  checkSize,
  commitChecked,
  commitOne,
  encodeValue,
  expiryOf,
  type KeyValueContext,
  nameKey,
  type Ttl,
  ttlOf,
  writeExpiry,
} from './key-value-codec.ts';
import { checkKey } from './names.ts';
import type { CommitResult, KeyCheck } from './ports/key-value.ts';
import { decodeJson } from './schema.ts';

export interface KeySetOptions {
  /** Without it the value never expires; `'keep'` leaves the expiry that the key has. */
  readonly ttlMs?: Ttl;
  /** Write only when the key is absent, or only when it is present (as either kind). */
  readonly if?: 'absent' | 'present';
  /** Write only when this is the version of what is stored. Excludes `if`. */
  readonly version?: string;
}

export interface KeySetResult {
  readonly written: boolean;
  /**
   * Of what was written; when nothing was, of the value that was stored a moment later (null: none, or the key holds fields). Worked out when it
   * is read, so a set whose version nobody asks for costs no digest; a spread copy does not have it.
   */
  readonly version: string | null;
}

export interface KeyEntry {
  readonly value: unknown;
  readonly version: string;
  /** ms left; null when it never expires. */
  readonly ttlMs: number | null;
}

export interface KeyUpdateOptions {
  /** Defaults to 'keep'. */
  readonly ttlMs?: Ttl;
  /** How often to try against other writers before CONFLICT. Defaults to 20. */
  readonly attempts?: number;
}

export type ValueChange<Current, Next> = (current: Current | undefined) => Next | undefined | Promise<Next | undefined>;

/** JSON values under keys. Reading a key that holds fields answers undefined; every write of a value replaces them. */
export interface KeyValueValues {
  /** The value, or undefined when there is none. INTERNAL when somebody stored there what is not JSON. One round trip. */
  get(key: string): Promise<unknown | undefined>;
  /** The value with its version and what is left of its life, read in one atomic step. One round trip. */
  entry(key: string): Promise<KeyEntry | undefined>;
  /** Values in the order of the keys; no snapshot over several keys. One round trip. */
  getMany(keys: readonly string[]): Promise<(unknown | undefined)[]>;
  /** Writes a value if its condition holds. One round trip; one more when it did not hold. TOO_LARGE, INVALID for what is not JSON. */
  set(key: string, value: unknown, options?: KeySetOptions): Promise<KeySetResult>;
  /** Writes independent keys, side by side. Not atomic together: after an error some may be written. */
  setMany(entries: readonly { readonly key: string; readonly value: unknown; readonly ttlMs?: Ttl }[]): Promise<void>;
  /** Deletes a key of either kind, with `version` only a value of that version. Answers whether it was there. One round trip. */
  delete(key: string, options?: { readonly version?: string }): Promise<boolean>;
  /** Is there a value or a map of fields? One round trip. */
  exists(key: string): Promise<boolean>;
  /** Gives a key of either kind a new TTL, or none with null. False when it is absent. One round trip. */
  touch(key: string, ttlMs: number | null): Promise<boolean>;
  /**
   * Reads, lets `change` make the next value (undefined deletes) and writes it if nobody wrote meanwhile, else starts over:
   * `change` may run several times and must have no effects. Answers what `change` answered. CONFLICT after `attempts`, and on
   * a key that holds fields. Two round trips an attempt.
   */
  update<T>(key: string, change: ValueChange<unknown, T>, options?: KeyUpdateOptions): Promise<T | undefined>;
  /** Gets and deletes: of many takers exactly one gets the value. Two round trips when nobody interferes. */
  take(key: string): Promise<unknown | undefined>;
  /** The bytes of a value as they were written. One round trip. */
  getBytes(key: string): Promise<Uint8Array | undefined>;
  /** Writes bytes as they are. Everything else as in `set`. */
  setBytes(key: string, bytes: Uint8Array, options?: KeySetOptions): Promise<KeySetResult>;
}

/** A class, since a getter on the prototype makes an object in a tenth of the time that an own one takes. */
class Written implements KeySetResult {
  readonly written = true;
  readonly #value: string | Uint8Array;

  constructor(value: string | Uint8Array) {
    this.#value = value;
  }

  get version(): string {
    return contentVersion(this.#value);
  }

  toJSON(): KeySetResult {
    return { written: true, version: this.version };
  }
}

const ATTEMPTS = 20;
const BACKOFF_MS = { first: 1, most: 50 };

export function createValues(context: KeyValueContext): KeyValueValues {
  const { port } = context;

  async function readText(key: string): Promise<string | undefined> {
    const [stored] = await port.read([checkKey(key)], { as: 'text' });
    return stored?.value;
  }

  async function readBytes(key: string): Promise<Uint8Array | undefined> {
    const [stored] = await port.read([checkKey(key)], { as: 'bytes' });
    return stored?.value;
  }

  const commitSet = (key: string, value: string | Uint8Array, options: KeySetOptions): Promise<CommitResult> =>
    port.commit(checksOf(key, options), [
      { op: 'set', key, value, expiresAt: writeExpiry(context, options.ttlMs, null) },
    ]);

  async function refused(key: string): Promise<KeySetResult> {
    const stored = await readBytes(key);
    return { written: false, version: stored ? contentVersion(stored) : null };
  }

  /** Runs `attempt` until it answers something, waiting longer and at random in between so that rivals part. The first retry comes at once. */
  async function contend<T>(
    key: string,
    attempts: number,
    attempt: () => Promise<{ readonly done: T } | null>,
  ): Promise<T> {
    for (let tried = 1; ; tried++) {
      const result = await attempt();
      if (result) return result.done;
      if (tried >= attempts)
        throw new PortolanError('CONFLICT', `${nameKey(key)}: others kept writing it (${tried} attempts)`);
      if (tried > 1) {
        const most = Math.min(BACKOFF_MS.first * 2 ** tried, BACKOFF_MS.most);
        await context.runtime.sleep(Math.ceil(Math.random() * most));
      }
    }
  }

  return {
    async get(key) {
      const [stored] = await port.read([checkKey(key)], { as: 'text' });
      return stored ? decodeJson(stored.value, () => nameKey(key)) : undefined;
    },
    async entry(key) {
      const [stored] = await port.read([checkKey(key)], { as: 'text', expiry: true });
      if (!stored) return undefined;
      return {
        value: decodeJson(stored.value, () => nameKey(key)),
        version: contentVersion(stored.value),
        ttlMs: ttlOf(context, stored.expiresAt),
      };
    },
    async getMany(keys) {
      if (keys.length === 0) return [];
      for (const key of keys) checkKey(key);
      const stored = await port.read(keys, { as: 'text' });
      return stored.map((one, at) => (one ? decodeJson(one.value, () => nameKey(keys[at] as string)) : undefined));
    },
    async set(key, value, options = {}) {
      const text = encodeValue(context, checkKey(key), value);
      const { ok } = await commitSet(key, text, options);
      return ok ? new Written(text) : refused(key);
    },
    async setMany(entries) {
      const ops = entries.map(({ key, value, ttlMs }) => {
        checkKey(key);
        const expiresAt = writeExpiry(context, ttlMs, null);
        return { op: 'set', key, value: encodeValue(context, key, value), expiresAt } as const;
      });
      await Promise.all(ops.map((op) => port.commit([], [op])));
    },
    async delete(key, { version } = {}) {
      const checks: KeyCheck[] = version === undefined ? [] : [{ key, is: { version } }];
      const result = await commitChecked(context, checks, [{ op: 'delete', key }]);
      return result.ok && result.counts[0] === 1;
    },
    async exists(key) {
      return (await port.commit([{ key: checkKey(key), is: 'present' }], [])).ok;
    },
    async touch(key, ttlMs) {
      const expiresAt = ttlMs === null ? null : expiryOf(context, ttlMs);
      return (await commitOne(context, { op: 'touch', key, expiresAt })) === 1;
    },
    async update<T>(
      key: string,
      change: ValueChange<unknown, T>,
      { ttlMs = 'keep', attempts = ATTEMPTS }: KeyUpdateOptions = {},
    ) {
      if (!Number.isInteger(attempts) || attempts < 1)
        throw invalid(`attempts ${String(attempts)}: a whole number, at least 1`);
      return contend<T | undefined>(key, attempts, async () => {
        const text = await readText(key);
        const next = await change(text === undefined ? undefined : decodeJson(text, () => nameKey(key)));
        const nextText = next === undefined ? undefined : encodeValue(context, key, next);
        const unchanged = nextText === text && (text === undefined || ttlMs === 'keep');
        if (unchanged) return { done: next };
        const checks: KeyCheck[] = [{ key, is: text === undefined ? 'absent' : { version: contentVersion(text) } }];
        const { ok } = await port.commit(checks, [
          nextText === undefined
            ? { op: 'delete', key }
            : { op: 'set', key, value: nextText, expiresAt: writeExpiry(context, ttlMs, 'keep') },
        ]);
        return ok ? { done: next } : null;
      });
    },
    take(key) {
      return contend<unknown | undefined>(key, ATTEMPTS, async () => {
        const text = await readText(key);
        if (text === undefined) return { done: undefined };
        const value = decodeJson(text, () => nameKey(key));
        const { ok } = await port.commit([{ key, is: { version: contentVersion(text) } }], [{ op: 'delete', key }]);
        return ok ? { done: value } : null;
      });
    },
    getBytes: readBytes,
    async setBytes(key, bytes, options = {}) {
      checkKey(key);
      checkSize(context, bytes, () => nameKey(key));
      const { ok } = await commitSet(key, bytes, options);
      return ok ? new Written(bytes) : refused(key);
    },
  };
}

function checksOf(key: string, options: KeySetOptions): readonly KeyCheck[] {
  if (options.version !== undefined) {
    if (options.if !== undefined) throw invalid('options if and version exclude each other');
    return [{ key, is: { version: options.version } }];
  }
  if (options.if === undefined) return [];
  if (options.if !== 'absent' && options.if !== 'present') throw invalid(`if: 'absent' or 'present'`);
  return [{ key, is: options.if }];
}
