import type { DocumentChange, DocumentCommit, DocumentPort, DocumentWrite, StoredDocument } from '@portolan/core';
import { hashTag, type RedisContext } from './connection.ts';
import { CHANGES, COMMIT, MAX_LISTED, READ, REGISTER, SCAN, SUMMARY } from './document-scripts.ts';

/** `[revision, created, updated, expires, body]`, as the scripts answer it. */
type Fields = readonly string[];

/**
 * `NAMESPACE:doc:{COLLECTION}:…` — `revision` counter, `item:ID` hash with the body as plain JSON, `ids` and `index:NAME` (ZSETs in text
 * order), `unique:NAME` (key -> id), `feed` and `deleted` (ZSETs by revision), `floor`, `expiry` (ZSET by time). Nothing has a Redis TTL,
 * which would leave index entries behind: what has expired is absent at once and deleted by the next calls on its collection.
 */
export function redisDocument(context: RedisContext): DocumentPort {
  const registry = context.key('doc', 'collections');
  const counter = (collection: string): string => context.key('doc', hashTag(collection), 'revision');
  const registered = new Set<string>();

  /**
   * Once per process and collection, and again when the collection starts anew (its counter gave out 1). A list for inspection: that it
   * could not be written fails no commit, and the next one tries again.
   */
  async function register(collection: string, commit: DocumentCommit): Promise<void> {
    if (!commit.ok) return;
    if (registered.has(collection) && !commit.written.some(({ revision }) => revision === 1)) return;
    const done = await context.script(REGISTER, [registry], [collection, MAX_LISTED]).catch(() => undefined);
    if (done !== undefined && registered.size < MAX_LISTED) registered.add(collection);
  }

  return {
    async read(collection, ids) {
      if (ids.length === 0) return [];
      const found = (await context.script(READ, [counter(collection)], ids)) as (Fields | null)[];
      return found.map((fields, at) => fields && toDocument(ids[at] as string, fields));
    },
    async commit(collection, writes) {
      const args = writes.flatMap(toArguments);
      const result = toCommit((await context.script(COMMIT, [counter(collection)], args)) as (string | number)[]);
      await register(collection, result);
      return result;
    },
    async scan(collection, { index, from, to, reverse = false, after, limit }) {
      const low = !reverse && after !== undefined ? `(${after}` : from === undefined ? '-' : `[${from}`;
      const high = reverse && after !== undefined ? `(${after}` : to === undefined ? '+' : `(${to}`;
      const args = [index === null ? 'ids' : `index:${index}`, low, high, reverse ? 1 : 0, limit];
      const [next, ...found] = (await context.script(SCAN, [counter(collection)], args)) as [string, ...string[]];
      const documents: StoredDocument[] = [];
      for (let at = 0; at < found.length; at += 6)
        documents.push(toDocument(found[at] as string, found.slice(at + 1, at + 6)));
      return { documents, next: next === '' ? null : next };
    },
    async changes(collection, after, limit) {
      const answer = await context.script(CHANGES, [counter(collection)], [after, limit]);
      const [revision, gap, ...found] = answer as [string, number, ...(string | Fields | null)[]];
      const changes: DocumentChange[] = [];
      for (let at = 0; at < found.length; at += 3) {
        const id = found[at + 1] as string;
        const fields = found[at + 2] as Fields | null;
        changes.push({ revision: Number(found[at]), id, document: fields && toDocument(id, fields) });
      }
      return { changes, revision: Number(revision), gap: gap === 1 };
    },
    async collections() {
      const names = await context.run((client) => client.zrange(registry, '-', '+', 'BYLEX', 'LIMIT', 0, MAX_LISTED));
      const summaries = names.map(async (name) => {
        const [documents, revision] = (await context.script(SUMMARY, [counter(name)], [])) as [number, string];
        return { name, documents, revision: Number(revision) };
      });
      return (await Promise.all(summaries)).filter(({ revision }) => revision > 0);
    },
  };
}

function toArguments(write: DocumentWrite): (string | number)[] {
  if (write.op === 'delete') return ['delete', write.id, write.expect, '', '[]', ''];
  const entries = write.entries.map(({ index, key, unique }) => [index, key, unique ? 1 : 0]);
  return ['put', write.id, write.expect, write.body, JSON.stringify(entries), write.expiresAt ?? ''];
}

function toCommit([ok, ...rest]: (string | number)[]): DocumentCommit {
  if (ok === 1) {
    const [at, ...flat] = rest.map(Number) as [number, ...number[]];
    const written: { revision: number; createdAt: number }[] = [];
    for (let place = 0; place < flat.length; place += 2)
      written.push({ revision: flat[place] as number, createdAt: flat[place + 1] as number });
    return { ok: true, at, written };
  }
  const [failed, reason, revision, index, holder] = rest as [
    number,
    'exists' | 'missing' | 'revision' | 'unique',
    ...string[],
  ];
  if (reason === 'unique') return { ok: false, failed, reason, index: String(index), holder: String(holder) };
  return { ok: false, failed, reason, ...(revision === undefined ? {} : { revision: Number(revision) }) };
}

function toDocument(id: string, [revision, created, updated, expires, body]: Fields): StoredDocument {
  return {
    id,
    revision: Number(revision),
    body: body as string,
    createdAt: Number(created),
    updatedAt: Number(updated),
    expiresAt: expires ? Number(expires) : null,
  };
}
