import {
  decodeCursor,
  encodeCursor,
  type IndexEntry,
  TRANSFER_PAGE_BYTES,
  type TransferPage,
  type TransferRecord,
} from '@portolan/core';
import { hashTag, type RedisArgument, type RedisContext } from './connection.ts';
import { MAX_LISTED, REGISTER } from './document-scripts.ts';
import type { PartTransfer } from './transfer-part.ts';
import { DUMP_COLLECTION, DUMP_DOCUMENTS, LOAD_DOCUMENTS } from './transfer-scripts.ts';

/** Behind a document (its index member; '' before the first) or a deletion (its revision) of a collection, or behind all of it. */
type Place = readonly [collection: string, kind: 'document' | 'tombstone' | 'end', at: string];

/** Records written by one script, so that none takes long. */
const LOADED_AT_ONCE = 100;

export function redisDocumentTransfer(context: RedisContext): PartTransfer {
  const registry = context.key('doc', 'collections');
  const keyOf = (collection: string, part: string) => context.key('doc', hashTag(collection), part);

  async function collectionsBehind(name: string, limit: number): Promise<string[]> {
    return context.run((client) =>
      client.zrange(registry, name === '' ? '-' : `(${name}`, '+', 'BYLEX', 'LIMIT', 0, limit),
    );
  }

  const describe = async (collection: string): Promise<number[]> =>
    ((await context.script(DUMP_COLLECTION, [keyOf(collection, 'revision')], [])) as (string | number)[]).map(Number);

  async function documents(collection: string, at: string, limit: number): Promise<Step> {
    const low = at === '' ? '-' : `(${at}`;
    const answer = await context.script(
      DUMP_DOCUMENTS,
      [keyOf(collection, 'revision')],
      [low, limit, TRANSFER_PAGE_BYTES],
    );
    const [next, ...flat] = answer as [string, ...string[]];
    const records: TransferRecord[] = [];
    for (let first = 0; first < flat.length; first += 7)
      records.push(toDocument(collection, flat.slice(first, first + 7)));
    return { records, place: next === '' ? [collection, 'tombstone', '0'] : [collection, 'document', next] };
  }

  async function tombstones(collection: string, at: string, limit: number): Promise<Step> {
    const found = await context.run((client) =>
      client.zrange(keyOf(collection, 'deleted'), `(${at}`, '+inf', 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES'),
    );
    const records: TransferRecord[] = [];
    for (let first = 0; first < found.length; first += 2)
      records.push({ of: 'tombstone', collection, id: found[first] as string, revision: Number(found[first + 1]) });
    const last = found.at(-1);
    const ended = records.length < limit || last === undefined;
    return { records, place: ended ? [collection, 'end', ''] : [collection, 'tombstone', last] };
  }

  return {
    async count() {
      const names = await collectionsBehind('', MAX_LISTED);
      const counts = await Promise.all(names.map(describe));
      return counts.reduce((sum, [, , live = 0, deleted = 0]) => sum + 1 + live + deleted, 0);
    },

    /** One collection, or the rest of one, at a time. */
    async dump(cursor, limit): Promise<TransferPage> {
      const place = cursor === null ? null : decodeCursor(cursor, readPlace);
      if (place === null || place[1] === 'end') {
        const [collection] = await collectionsBehind(place?.[0] ?? '', 1);
        if (collection === undefined) return { records: [], cursor: null };
        const [revision = 0, floor = 0] = await describe(collection);
        // Listed, and never written to.
        if (revision === 0) return { records: [], cursor: encodeCursor([collection, 'end', '']) };
        return {
          records: [{ of: 'collection', collection, revision, floor }],
          cursor: encodeCursor([collection, 'document', '']),
        };
      }
      const [collection, kind, at] = place;
      const step = kind === 'document' ? documents : tombstones;
      const page = await step(collection, at, limit);
      return { records: page.records, cursor: encodeCursor(page.place) };
    },

    async load(records) {
      const collections = Map.groupBy(records, (record) => ('collection' in record ? record.collection : ''));
      await Promise.all(
        [...collections].map(async ([collection, some]) => {
          await context.script(REGISTER, [registry], [collection, MAX_LISTED]);
          for (let first = 0; first < some.length; first += LOADED_AT_ONCE) {
            const args = some.slice(first, first + LOADED_AT_ONCE).flatMap(toArguments);
            await context.script(LOAD_DOCUMENTS, [keyOf(collection, 'revision')], args);
          }
        }),
      );
    },
  };
}

interface Step {
  readonly records: readonly TransferRecord[];
  readonly place: Place;
}

function readPlace(content: unknown): Place | undefined {
  const [collection, kind, at] = Array.isArray(content) ? (content as unknown[]) : [];
  if (typeof collection !== 'string' || typeof at !== 'string') return undefined;
  return kind === 'document' || kind === 'tombstone' || kind === 'end' ? [collection, kind, at] : undefined;
}

function toDocument(collection: string, fields: readonly string[]): TransferRecord {
  const [id, revision, created, updated, expires, body, entries] = fields;
  return {
    of: 'document',
    collection,
    id: id as string,
    revision: Number(revision),
    body: body as string,
    createdAt: Number(created),
    updatedAt: Number(updated),
    expiresAt: expires ? Number(expires) : null,
    entries: (JSON.parse(entries ?? '[]') as [string, string, number][]).map(
      ([index, key, unique]): IndexEntry => ({ index, key, unique: unique === 1 }),
    ),
  };
}

function toArguments(record: TransferRecord): RedisArgument[] {
  switch (record.of) {
    case 'collection':
      return ['collection', record.floor, record.revision, '', '', '', '', ''];
    case 'tombstone':
      return ['tombstone', record.id, record.revision, '', '', '', '', ''];
    case 'document': {
      const { id, revision, createdAt, updatedAt, expiresAt, body } = record;
      const entries = record.entries.map(({ index, key, unique }) => [index, key, unique ? 1 : 0]);
      return ['document', id, revision, createdAt, updatedAt, expiresAt ?? '', body, JSON.stringify(entries)];
    }
    default:
      return [];
  }
}
