import { hash } from 'node:crypto';
import type { TransferRecord, TransferredJob } from './ports/transfer.ts';
import { encodeQueueLimits } from './queue-limits.ts';

/**
 * A multiset of records as one number: what is in it decides, not the order, but that of jobs that wait, which counts within their priority. Sums of SHA-256
 * modulo 2^256.
 */
export class TransferDigest {
  #sum = 0n;
  readonly #seen = new Fingerprints();
  /** The last id of each queue and priority. */
  readonly #last = new Map<string, string>();

  /** False when this very content was added before: stores may tell a record more than once. */
  add(content: string): boolean {
    const digest = hash('sha256', content, 'hex');
    if (!this.#seen.add(digest)) return false;
    this.#sum = add(this.#sum, digest);
    return true;
  }

  /** For a job that was added: behind which one it stands, if it waits. Stores tell these in their order, the priorities one behind the other or not. */
  addOrder({ queue, priority, id, state }: TransferredJob): void {
    if (state !== 'waiting') return;
    const line = JSON.stringify([queue, priority]);
    this.#sum = add(this.#sum, hash('sha256', JSON.stringify(['behind', line, this.#last.get(line), id]), 'hex'));
    this.#last.set(line, id);
  }

  /** 64 hexadecimal digits. */
  toString(): string {
    return this.#sum.toString(16).padStart(64, '0');
  }
}

const add = (sum: bigint, digest: string): bigint => BigInt.asUintN(256, sum + BigInt(`0x${digest}`));

/** What was seen, by 60 bits each: among ten million records two are taken for one with a chance of 1 to 20,000. Some 40 bytes a record. */
class Fingerprints {
  /** A JavaScript Set ends at 2^24 entries, hence several, by the first digits. */
  readonly #shards = new Map<string, Set<number>>();

  add(digest: string): boolean {
    const name = digest.slice(0, 2);
    const shard = this.#shards.get(name) ?? new Set();
    if (shard.size === 0) this.#shards.set(name, shard);
    const before = shard.size;
    shard.add(Number.parseInt(digest.slice(2, 15), 16));
    return shard.size > before;
  }
}

/**
 * What a digest counts of a record, as canonical JSON: one content per field for a key with fields (stores tell them in portions). Nothing for
 * collections and deletions: their numbers move by themselves as documents expire.
 */
export function digestContents(record: TransferRecord, keptUntil: number | null): readonly string[] {
  switch (record.of) {
    case 'key': {
      const { key, value, expiresAt } = record;
      if ('text' in value) return [JSON.stringify(['value', key, value.text, expiresAt])];
      if ('base64' in value) return [JSON.stringify(['bytes', key, value.base64, expiresAt])];
      return Object.entries(value.fields).map(([name, text]) => JSON.stringify(['field', key, name, text, expiresAt]));
    }
    case 'counter':
      return [JSON.stringify(['counter', record.key, record.value, record.expiresAt])];
    case 'entry':
      return [JSON.stringify(['entry', record.key, record.text, record.expiresAt])];
    case 'tag':
      return [JSON.stringify(['tag', record.tag, record.epoch, record.expiresAt])];
    case 'document': {
      const { collection, id, revision, body, createdAt, updatedAt, expiresAt } = record;
      const entries = record.entries.map(({ index, key, unique }) => `${index} ${key} ${unique ? 1 : 0}`).sort();
      return [
        JSON.stringify(['document', collection, id, revision, body, createdAt, updatedAt, expiresAt, ...entries]),
      ];
    }
    case 'collection':
    case 'tombstone':
      return [];
    case 'queue':
      return [
        JSON.stringify(['queue', record.queue, record.paused, record.limits && encodeQueueLimits(record.limits)]),
      ];
    case 'job': {
      const { queue, id, body, state, priority, attempts, stalls, dedupeKey, group } = record;
      const { progress, result, error, dueAt, startedAt, finishedAt, parent, awaits } = record;
      const logs = record.logs.map(({ at, line }) => [at, line]);
      const head = ['job', queue, id, body, state, priority, attempts, stalls, dedupeKey, group];
      return [JSON.stringify([...head, progress, result, error, dueAt, startedAt, finishedAt, parent, awaits, logs])];
    }
    case 'part': {
      const { queue, id, part, turn, fails, text } = record;
      return [JSON.stringify(['part', queue, id, part, turn, fails, text])];
    }
    case 'owed': {
      const { queue, id, turn, parent, state, text, missedAt } = record;
      return [JSON.stringify(['owed', queue, id, turn, parent, state, text, missedAt])];
    }
    case 'schedule': {
      const { queue, id, timing, template, nextAt, lastAt } = record;
      return [JSON.stringify(['schedule', queue, id, timing, template, nextAt, lastAt])];
    }
    case 'topic': {
      const { topic, incarnation, sequence, countersExpireAt } = record;
      return [JSON.stringify(['topic', topic, incarnation, sequence, keptUntil, countersExpireAt])];
    }
    case 'message': {
      const { topic, incarnation, sequence, data, at } = record;
      return [JSON.stringify(['message', topic, incarnation, sequence, data, at])];
    }
  }
}
