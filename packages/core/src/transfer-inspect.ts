import type { Backend } from './backend.ts';
import { PortolanError } from './errors.ts';
import {
  TRANSFER_PARTS,
  type TransferPage,
  type TransferPart,
  type TransferPort,
  type TransferRecord,
} from './ports/transfer.ts';
import type { Runtime } from './runtime.ts';
import { digestContents, TransferDigest } from './transfer-digest.ts';

/** As many as a page may have: where it may be empty, few of them then tell of nothing. */
const HELD_PAGE = 1_000;

export interface InspectOptions {
  readonly runtime: Runtime;
  /** All, unless told. */
  readonly parts?: readonly TransferPart[];
  /** What expires until then (absolute ms) is counted but stays out of the digest. A minute from now unless told. */
  readonly stableUntil?: number;
  /** Records per page, 1 to 1,000. 500 unless told. */
  readonly pageSize?: number;
  readonly signal?: AbortSignal;
  /** Called behind every page with the records of the part so far. */
  readonly onProgress?: (part: TransferPart, records: number) => void;
}

/** What stands under one name: a collection, a queue, a topic, or a kind of record of a part without names. */
export interface ListedHolding {
  readonly name: string;
  /** By kind, such as `documents` or `waiting`. */
  readonly counts: Readonly<Record<string, number>>;
  /** UTF-8 bytes of the records as JSON. */
  readonly bytes: number;
}

export interface PartInspection {
  readonly part: TransferPart;
  /** A key with fields counts one for each field. */
  readonly records: number;
  readonly bytes: number;
  /** Records that expire, and when (absolute ms) the first and the last of them do. */
  readonly expiring: { readonly records: number; readonly first: number | null; readonly last: number | null };
  /** Of everything that is still there at `stableUntil`. Does not depend on order, but on that in which jobs wait; equal for equal contents, whatever the adapter. */
  readonly digest: { readonly records: number; readonly sha256: string };
  readonly listing: readonly ListedHolding[];
}

/** Reads everything a backend holds. Parts in their order; memory grows by some 40 bytes a record. INVALID for a store that cannot be moved. */
export async function inspectBackend(backend: Backend, options: InspectOptions): Promise<PartInspection[]> {
  const { parts = TRANSFER_PARTS } = options;
  const found: PartInspection[] = [];
  for (const part of parts) found.push(await inspectPart(backend, part, options));
  return found;
}

async function inspectPart(backend: Backend, part: TransferPart, options: InspectOptions): Promise<PartInspection> {
  const { runtime, stableUntil = runtime.clock.now() + 60_000, pageSize = 500, signal, onProgress } = options;
  const port = transferOf(backend);
  const tally = new Tally(part, stableUntil);
  let page: TransferPage | undefined;
  do {
    page = await port.dump(part, page?.cursor ?? null, pageSize);
    if (signal?.aborted) throw new PortolanError('CANCELLED', 'the inspection was stopped');
    for (const record of page.records) tally.add(record);
    onProgress?.(part, tally.records);
  } while (page.cursor !== null);
  if (part === 'queue') await tally.listQueues(backend);
  return tally.done();
}

/** Which of the parts (all, unless told) hold anything at all, also what is about to expire. INVALID for a store that cannot be moved. */
export async function heldParts(
  backend: Backend,
  parts: readonly TransferPart[] = TRANSFER_PARTS,
): Promise<TransferPart[]> {
  const port = transferOf(backend);
  const held: TransferPart[] = [];
  for (const part of parts) {
    let page: TransferPage | undefined;
    do {
      page = await port.dump(part, page?.cursor ?? null, HELD_PAGE);
    } while (page.records.length === 0 && page.cursor !== null);
    if (page.records.length > 0) held.push(part);
  }
  return held;
}

/** Throws INVALID for a store that has no such port. */
export function transferOf({ transfer, capabilities }: Backend): TransferPort {
  if (transfer) return transfer;
  throw new PortolanError(
    'INVALID',
    `the ${capabilities.name} store cannot be moved or inspected: it offers no transfer`,
  );
}

class Tally {
  records = 0;
  readonly #part: TransferPart;
  readonly #stableUntil: number;
  readonly #expiring: { records: number; first: number | null; last: number | null } = {
    records: 0,
    first: null,
    last: null,
  };
  #bytes = 0;
  #digested = 0;
  readonly #stable = new TransferDigest();
  /** What is left out of the digest may come twice as well. */
  readonly #others = new TransferDigest();
  readonly #listing = new Map<string, { counts: Record<string, number>; bytes: number }>();

  constructor(part: TransferPart, stableUntil: number) {
    this.#part = part;
    this.#stableUntil = stableUntil;
  }

  add(record: TransferRecord): void {
    const expiresAt = expiryOf(record);
    const stable = expiresAt === null || expiresAt > this.#stableUntil;
    const keptUntil =
      record.of === 'topic' && record.messagesExpireAt > this.#stableUntil ? record.messagesExpireAt : null;
    const contents = digestContents(record, keptUntil);
    if (contents.length === 0) {
      // Not digested, and of those that never come twice: collections and deletions are read in an order that stays.
      this.#list(record, 0);
      return;
    }
    for (const content of contents) {
      if (!(stable ? this.#stable : this.#others).add(content)) continue;
      if (stable) this.#digested++;
      if (stable && record.of === 'job') this.#stable.addOrder(record);
      const bytes = Buffer.byteLength(content);
      this.records++;
      this.#bytes += bytes;
      this.#list(record, bytes);
      if (expiresAt === null) continue;
      const { first, last } = this.#expiring;
      this.#expiring.records++;
      this.#expiring.first = Math.min(first ?? expiresAt, expiresAt);
      this.#expiring.last = Math.max(last ?? expiresAt, expiresAt);
    }
  }

  /** A transfer tells what runs as waiting; a listing tells it as it is. */
  async listQueues({ queue }: Backend): Promise<void> {
    for (const { queue: name, paused, limits, counts } of (await queue.inspect({ of: 'queues' })).queues) {
      const listed = this.#listing.get(name);
      if (!listed) continue;
      const held = Object.entries(counts).filter(([, count]) => count > 0);
      const others = Object.entries(listed.counts).filter(
        ([kind]) => kind === 'schedules' || kind === 'parts' || kind === 'owed',
      );
      const flags = { ...(paused ? { paused: 1 } : {}), ...(limits ? { limited: 1 } : {}) };
      listed.counts = { ...flags, ...Object.fromEntries(others), ...Object.fromEntries(held) };
    }
  }

  done(): PartInspection {
    const digest = { records: this.#digested, sha256: this.#stable.toString() };
    const listing = [...this.#listing].map(([name, listed]) => ({ name, ...listed }));
    return {
      part: this.#part,
      records: this.records,
      bytes: this.#bytes,
      expiring: { ...this.#expiring },
      digest,
      listing: listing.sort((a, b) => (a.name < b.name ? -1 : 1)),
    };
  }

  #list(record: TransferRecord, bytes: number): void {
    const { name, kind, count = 1 } = place(record);
    const listed = this.#listing.get(name) ?? { counts: {}, bytes: 0 };
    this.#listing.set(name, listed);
    listed.bytes += bytes;
    if (kind !== null) listed.counts[kind] = (listed.counts[kind] ?? 0) + count;
  }
}

function expiryOf(record: TransferRecord): number | null {
  if (record.of === 'topic') return record.countersExpireAt;
  return 'expiresAt' in record ? record.expiresAt : null;
}

/** Where a record is listed; a kind of null only makes the name known. */
function place(record: TransferRecord): {
  readonly name: string;
  readonly kind: string | null;
  readonly count?: number;
} {
  switch (record.of) {
    case 'key':
      return { name: 'keys', kind: 'fields' in record.value ? 'fields' : 'values' };
    case 'counter':
      return { name: 'counters', kind: 'counters' };
    case 'entry':
      return { name: 'entries', kind: 'entries' };
    case 'tag':
      return { name: 'tags', kind: 'tags' };
    case 'collection':
      return { name: record.collection, kind: 'revision', count: record.revision };
    case 'document':
      return { name: record.collection, kind: 'documents' };
    case 'tombstone':
      return { name: record.collection, kind: 'deletions' };
    case 'queue':
      return { name: record.queue, kind: record.paused ? 'paused' : null };
    case 'job':
      return { name: record.queue, kind: record.state };
    case 'schedule':
      return { name: record.queue, kind: 'schedules' };
    case 'part':
      return { name: record.queue, kind: 'parts' };
    case 'owed':
      return { name: record.queue, kind: 'owed' };
    case 'topic':
      return { name: record.topic, kind: null };
    case 'message':
      return { name: record.topic, kind: 'messages' };
  }
}
