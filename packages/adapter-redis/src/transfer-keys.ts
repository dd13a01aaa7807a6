import {
  decodeCursor,
  encodeCursor,
  TRANSFER_FIELDS,
  TRANSFER_PAGE_BYTES,
  type TransferPage,
  type TransferRecord,
  transferValue,
} from '@portolan/core';
import { callScript, fromHashTag, hashTag, type RedisContext } from './connection.ts';
import { describeScript } from './key-value-scripts.ts';
import {
  countNames,
  fromRedisExpiry,
  type Names,
  type NamesPlace,
  nextNames,
  type PartTransfer,
  readNames,
} from './transfer-part.ts';
import { DUMP_KEY, LOAD_FIELDS } from './transfer-scripts.ts';

interface KeyPlace extends NamesPlace {
  /** HSCAN's cursor in the first name left, when that is a key with many fields whose walk has begun. */
  readonly within: string | null;
}

/** Keys of one kind: how their names stand in Redis, and what a record makes of one that was read. */
interface Kind {
  readonly names: Names;
  record(name: string, value: Buffer | Record<string, string>, expiresAt: number | null): TransferRecord | undefined;
}

type KeyRow = readonly [kind: Buffer, expiresAt: number, content: Buffer | readonly Buffer[]];

/** A page of keys: their sizes in one round trip, then as many as fit into the page in another. A key with many fields is a page by itself, by HSCAN. */
async function dumpKeys(context: RedisContext, { names, record }: Kind, place: KeyPlace, limit: number) {
  const { scan, left } = await nextNames(context, names, place, limit);
  const escaped = names.escape ?? ((text: string) => text);
  const named = (name: string): string => names.prefix + escaped(name) + (names.suffix ?? '');
  const behind = (done: number): KeyPlace | null =>
    done === left.length && scan === null ? null : { scan, left: left.slice(done), within: null };
  const [first] = left;
  if (first === undefined) return { records: [], place: behind(0) };

  const sizes = await context.run((client) =>
    Promise.all(left.slice(0, limit).map((name) => callScript(client, describeScript, [named(name)], []))),
  );
  const known = sizes as (readonly [type: string, expiresAt: number, size: number] | null)[];
  const isLarge = (at: number) => known[at]?.[0] === 'fields' && known[at][2] > TRANSFER_FIELDS;
  if (isLarge(0)) {
    const found = await context.run((client) =>
      client.hscan(named(first), place.within ?? '0', 'COUNT', TRANSFER_FIELDS),
    );
    const [next, flat] = found;
    const one = record(first, toFields(flat), fromRedisExpiry(known[0]?.[1] ?? -1));
    return { records: one ? [one] : [], place: next === '0' ? behind(1) : { scan, left, within: next } };
  }
  let done = 0;
  for (let bytes = 0; done < known.length && !isLarge(done) && bytes < TRANSFER_PAGE_BYTES; done++)
    bytes += known[done]?.[0] === 'value' ? (known[done]?.[2] ?? 0) : 0;
  const rows = await context.run((client) =>
    Promise.all(left.slice(0, done).map((name) => callScript(client, DUMP_KEY, [named(name)], [], 'bytes'))),
  );
  const records = rows.flatMap((row, at): TransferRecord[] => {
    if (row === null) return [];
    const [kind, expiresAt, content] = row as KeyRow;
    const value = kind.toString() === 'value' ? (content as Buffer) : toFields((content as Buffer[]).map(String));
    const one = record(left[at] as string, value, fromRedisExpiry(expiresAt));
    return one ? [one] : [];
  });
  return { records, place: behind(done) };
}

function toFields(flat: readonly string[]): Record<string, string> {
  const fields: [string, string][] = [];
  for (let at = 0; at < flat.length; at += 2) fields.push([flat[at] as string, flat[at + 1] as string]);
  return Object.fromEntries(fields);
}

/** Several kinds, one after the other, as one part. */
function keysTransfer(context: RedisContext, kinds: readonly Kind[]): Pick<PartTransfer, 'count' | 'dump'> {
  const start: KeyPlace = { scan: '', left: [], within: null };
  return {
    async count() {
      const counts = await Promise.all(kinds.map((kind) => countNames(context, kind.names)));
      return counts.reduce((sum, one) => sum + one, 0);
    },
    async dump(cursor, limit): Promise<TransferPage> {
      const { at, place } = cursor === null ? { at: 0, place: start } : decodeCursor(cursor, readPlace);
      const kind = kinds[at];
      if (!kind) return { records: [], cursor: null };
      const page = await dumpKeys(context, kind, place, limit);
      const next = page.place ? { at, place: page.place } : { at: at + 1, place: start };
      const ended = next.at === kinds.length;
      const { scan, left, within } = next.place;
      return { records: page.records, cursor: ended ? null : encodeCursor([next.at, scan, left, within]) };
    },
  };
}

function readPlace(content: unknown): { readonly at: number; readonly place: KeyPlace } | undefined {
  if (!Array.isArray(content)) return undefined;
  const [at, scan, left, within] = content as unknown[];
  const names = readNames(scan, left);
  if (!names || typeof at !== 'number' || (within !== null && typeof within !== 'string')) return undefined;
  return { at, place: { ...names, within } };
}

/** SET with an absolute expiry; one that is past leaves the key absent. */
const setAll = (
  context: RedisContext,
  sets: readonly (readonly [key: string, value: string | Buffer, expiresAt: number | null])[],
) =>
  context.run((client) =>
    Promise.all(
      sets.map(([key, value, expiresAt]) =>
        expiresAt === null ? client.set(key, value) : client.call('SET', key, value, 'PXAT', expiresAt),
      ),
    ),
  );

export function redisKeyValueTransfer(context: RedisContext): PartTransfer {
  const prefix = context.key('kv', '');
  return {
    ...keysTransfer(context, [
      {
        names: { prefix },
        record: (key, content, expiresAt) => {
          const value = Buffer.isBuffer(content) ? transferValue(content) : { fields: content };
          return { of: 'key', key, value, expiresAt };
        },
      },
    ]),
    async load(records) {
      // Commands of one key keep their order: all travel in one pipeline.
      await Promise.all(
        records.map((record) => {
          if (record.of !== 'key') return undefined;
          const { key, value, expiresAt } = record;
          if ('fields' in value) {
            const args = [expiresAt ?? 'never', ...Object.entries(value.fields).flat()];
            return context.script(LOAD_FIELDS, [prefix + key], args);
          }
          const content = 'text' in value ? value.text : Buffer.from(value.base64, 'base64');
          return setAll(context, [[prefix + key, content, expiresAt]]);
        }),
      );
    },
  };
}

export function redisCounterTransfer(context: RedisContext): PartTransfer {
  const prefix = context.key('counter', '');
  return {
    ...keysTransfer(context, [
      {
        names: { prefix },
        record: (key, content, expiresAt) => {
          const value = Number(content);
          return Number.isSafeInteger(value) ? { of: 'counter', key, value, expiresAt } : undefined;
        },
      },
    ]),
    async load(records) {
      await setAll(
        context,
        records.flatMap((one) =>
          one.of === 'counter' ? [[prefix + one.key, String(one.value), one.expiresAt] as const] : [],
        ),
      );
    },
  };
}

export function redisCacheTransfer(context: RedisContext): PartTransfer {
  const entries: Names = {
    prefix: `${context.key('cache')}:{`,
    suffix: '}',
    escape: (key) => hashTag(key).slice(1, -1),
    unescape: fromHashTag,
  };
  const tags = context.key('cache-tag', '');
  return {
    ...keysTransfer(context, [
      {
        names: entries,
        record: (key, text, expiresAt) =>
          expiresAt === null ? undefined : { of: 'entry', key, text: String(text), expiresAt },
      },
      {
        names: { prefix: tags },
        record: (tag, epoch, expiresAt) =>
          expiresAt === null ? undefined : { of: 'tag', tag, epoch: String(epoch), expiresAt },
      },
    ]),
    async load(records) {
      await setAll(
        context,
        records.flatMap((one) => {
          if (one.of === 'entry') return [[context.key('cache', hashTag(one.key)), one.text, one.expiresAt] as const];
          return one.of === 'tag' ? [[tags + one.tag, one.epoch, one.expiresAt] as const] : [];
        }),
      );
    },
  };
}
