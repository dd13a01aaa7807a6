import {
  type Backend,
  encodeIndexKey,
  type QueuePort,
  TRANSFER_FIELDS,
  TRANSFER_PARTS,
  type TransferPart,
  type TransferRecord,
} from '@portolan/core';
import { expect } from 'vitest';
import { committed, entry, put, remove } from './document-fixtures.ts';
import type { Kit } from './harness.ts';
import { completed, failed, KEEP, limit, queueClient, retry, several } from './queue-client.ts';

const HOUR = 3_600_000;
const RETENTION = { count: 30, ms: HOUR, resumeMs: HOUR };

/** Puts every kind of record that can be moved into a store, and of what stays behind some as well. */
export async function fillEveryKind(kit: Kit, backend: Backend): Promise<void> {
  await Promise.all([
    fillKeys(kit, backend),
    fillDocuments(kit, backend),
    fillJobs(backend),
    fillTopics(backend),
    fillCache(backend),
    fillCounters(backend),
  ]);
}

async function fillKeys(kit: Kit, { keyValue }: Backend): Promise<void> {
  const expiresAt = kit.runtime.clock.now() + HOUR;
  const set = (key: string, value: string | Uint8Array, at: number | null = null) =>
    keyValue.commit([], [{ op: 'set', key, value, expiresAt: at }]);
  const many = Object.fromEntries(Array.from({ length: TRANSFER_FIELDS * 2 + 500 }, (_, at) => [`f${at}`, `v${at}`]));
  await Promise.all([
    set('plain', '{"n":1.0}'),
    set('empty', ''),
    set('lasting', 'x', expiresAt),
    set('bytes', Uint8Array.from([0, 255, 128, 0])),
    set('utf8 as bytes', new TextEncoder().encode('ünï \u{1F600}')),
    set('nul \u00e9 \u{1F600} {tag} *?[]\\', '"a\u0000b"'),
    ...Array.from({ length: 40 }, (_, at) => set(`key:${at}`, `value ${at}`, at % 2 ? expiresAt + at : null)),
    keyValue.commit(
      [],
      [{ op: 'setFields', key: 'hash', fields: { a: '1', __proto__x: '', ü: 'a\u0000b' }, expiresAt }],
    ),
    keyValue.commit([], [{ op: 'setFields', key: 'large', fields: many, expiresAt: null }]),
  ]);
}

async function fillCounters({ counter }: Backend): Promise<void> {
  await counter.write('up', Number.MAX_SAFE_INTEGER);
  await counter.write('down', -7, HOUR);
  await counter.write('zero', 0);
  await counter.limit('visits', [{ kind: 'fixed', limit: 5, periodMs: HOUR }], 1, true);
}

async function fillCache({ cache }: Backend): Promise<void> {
  for (const key of ['plain', 'page:{1}', 'ü']) {
    await cache.acquire(key, { seen: null, lease: 'L', leaseMs: 60_000, force: false, tags: ['news', 'tag {2}'] });
    await cache.fill(key, 'L', `{"value":"${key}"}`, HOUR);
  }
  // A lease stays behind.
  await cache.acquire('leased', { seen: null, lease: 'M', leaseMs: 60_000, force: false, tags: [] });
}

async function fillDocuments(kit: Kit, { document }: Backend): Promise<void> {
  const expiresAt = kit.runtime.clock.now() + HOUR;
  for (let first = 0; first < 60; first += 20) {
    const writes = Array.from({ length: 20 }, (_, at) =>
      put(`id ${first + at}`, {
        body: `{"n":${first + at}.0}`,
        entries: [entry('n', first + at, true), entry('half', first + at < 30), entry('half', 'again')],
        expiresAt: at % 5 === 0 ? expiresAt : null,
      }),
    );
    await committed(document.commit('numbers', writes));
  }
  await committed(
    document.commit('numbers', [remove('id 3'), put('id 4', { entries: [entry('n', 4, true)] }), remove('id 5')]),
  );
  await committed(document.commit('words', [put('ключ'), put('~!" \u{1F600}', { entries: [entry('w', ['a b', 1])] })]));
  await committed(document.commit('emptied', [put('gone')]));
  await committed(document.commit('emptied', [remove('gone')]));
}

async function fillJobs({ queue }: Backend): Promise<void> {
  const client = queueClient(queue, 'worker');
  await client.push(
    { id: 'done' },
    { id: 'broken', priority: 3 },
    { id: 'again', dedupeKey: 'again' },
    { id: 'held-1', dedupeKey: 'held' },
    { id: 'held-2' },
    { id: 'stopped' },
  );
  await client.claim(6);
  await queue.amend('work', { do: 'progress', id: 'held-1', session: 'worker', progress: '0.5' });
  await queue.amend('work', { do: 'log', id: 'done', session: 'worker', lines: ['at 1', 'a \u0000 ü\n'] });
  await queue.amend('work', { do: 'log', id: 'held-1', session: 'worker', lines: [''] });
  await queue.amend('work', { do: 'cancel', id: 'stopped' });
  await client.settle(completed('done', '{"ok":1.0}'), failed('broken'), retry('again'));
  await client.push(
    { id: 'w1' },
    { id: 'top', priority: 9 },
    { id: 'hole' },
    { id: 'w2', dedupeKey: 'k {2}:x' },
    { id: 'low', priority: -5 },
    { id: 'top-2', priority: 9, body: '{"text":"ünï \\u0000 \u{1F600}","n":1.0}' },
    { id: 'later', delayMs: HOUR, priority: 2, dedupeKey: 'later' },
    { id: 'w3' },
  );
  await queue.amend('work', { do: 'cancel', id: 'hole' });
  // The first that runs leaves the others of its group aside.
  await limit(queue, { concurrency: 50, group: { concurrency: 1, rate: { count: 5, ms: HOUR } } }, 'groups');
  const grouped = queueClient(queue, 'worker', 'groups');
  await grouped.push(...several(4, { group: 'a {1}:x' }), { id: 'low', group: 'a {1}:x', priority: -1 });
  await grouped.claim(9);
  await grouped.push(...several(2, { group: 'a {1}:x' }, 5), { id: 'plain' });
  await fillFlows(queue);
  await queue.push('other', [{ id: 'job', body: '{}', priority: 0, delayMs: 0 }]);
  await queue.amend('other', { do: 'pause' });
  const template = '{"text":"ünï \\u0000 \u{1F600}","n":1.0}';
  for (const [id, nextAt] of [
    ['missed', 1_000],
    ['fired', 2_000],
    ['far', 4_000_000_000_000],
  ] as const) {
    await queue.amend('work', { do: 'schedule', id, timing: `"${id}"`, template, nextAt });
  }
  await queue.amend('work', { do: 'fire', id: 'fired', at: 2_000, nextAt: 3_000, lastAt: 2_000, jobs: [] });
  await queue.amend('timed', { do: 'schedule', id: 'only', timing: '', template: '', nextAt: 5_000 });
  await queue.exchange('other', {
    session: 'idle',
    nonce: 'n',
    leaseMs: 60_000,
    settled: [],
    claim: 0,
    retention: KEEP,
  });
}

async function fillFlows(queue: QueuePort): Promise<void> {
  const client = queueClient(queue, 'parent', 'flows');
  const deliver = (id: string, part: string, fail?: string) =>
    queue.amend('flows', { do: 'deliver', id, part, turn: 7, text: `"${part}"`, ...(fail ? { fail } : {}) });
  await client.push(
    { id: 'held', awaits: 40, parent: 'above {x}', delayMs: 5 },
    { id: 'failed', awaits: 3 },
    { id: 'both', awaits: 2, parent: '{"of":1.0}' },
    ...['one', 'two', 'three', 'stopping'].map((id) => ({ id, parent: `parent of ${id}` })),
  );
  for (let n = 0; n < 39; n += 1) await deliver('held', `part ${n}`);
  await deliver('both', 'ü');
  await deliver('both', 'b');
  await deliver('failed', 'a');
  await deliver('failed', 'b', '"b failed"');
  await client.exchange({ claim: 4 });
  await queue.amend('flows', { do: 'cancel', id: 'stopping' });
  await client.settle(completed('one', '{"one":1.0}'), failed('two'));
  await queue.amend('flows', { do: 'cancel', id: 'both' });
  await queue.amend('flows', { do: 'remove', id: 'two' });
  const { owed = [] } = await queue.inspect({ of: 'owed', queue: 'flows', limit: 9 });
  await queue.amend('flows', {
    do: 'defer',
    id: 'one',
    turn: owed.find(({ id }) => id === 'one')?.turn ?? 0,
    delayMs: HOUR,
  });
}

async function fillTopics({ broadcast }: Backend): Promise<void> {
  for (let first = 0; first < 50; first += 10) {
    const messages = Array.from({ length: 10 }, (_, at) => ({ data: `{"n":${first + at}.0}` }));
    await broadcast.append('news', messages, RETENTION);
  }
  await broadcast.append('other', [{ data: '"ünï \\u0000 \u{1F600}"' }], RETENTION);
  await broadcast.join('news', { id: 'reader', info: '{}' }, 60_000);
}

/** All records of a part, in pages of `limit`. */
export async function dumpPart(backend: Backend, part: TransferPart, limit = 1_000): Promise<TransferRecord[]> {
  const records: TransferRecord[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<NonNullable<Backend['transfer']>['dump']>> = await transferOf(backend).dump(
      part,
      cursor,
      limit,
    );
    expect(page.records.length).toBeLessThanOrEqual(limit);
    records.push(...page.records);
    cursor = page.cursor;
  } while (cursor !== null);
  return records;
}

/** Everything a store holds as texts that can be compared, whatever the order and the portions. */
export async function dumpAll(backend: Backend, limit = 1_000): Promise<string[]> {
  const dumps = await Promise.all(TRANSFER_PARTS.map((part) => dumpPart(backend, part, limit)));
  return [...new Set(dumps.flat().flatMap(toTexts))].sort();
}

function toTexts(record: TransferRecord): string[] {
  if (record.of === 'key' && 'fields' in record.value) {
    const { fields } = record.value;
    return Object.entries(fields).map((field) => JSON.stringify({ ...record, value: field }));
  }
  if (record.of === 'document') {
    const entries = record.entries.map(({ index, key, unique = false }) => [index, key, unique]).sort();
    return [JSON.stringify({ ...record, entries }, Object.keys({ ...record }).sort())];
  }
  return [JSON.stringify(record, Object.keys(record).concat('text', 'base64').sort())];
}

export function transferOf({ transfer }: Backend): NonNullable<Backend['transfer']> {
  if (!transfer) throw new Error('the adapter offers no transfer');
  return transfer;
}

export const nKey = (n: number): string => encodeIndexKey(n, 'n');
