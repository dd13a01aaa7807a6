import type { IndexEntry } from './document.ts';
import type { QueueLimits } from './queue-limits.ts';
import type { JobLogLine } from './queue-logs.ts';
import type { ScheduleRecord } from './queue-schedule.ts';

/** What a backend holds, in the parts in which it is moved. Each part may be loaded before or after any other. */
export const TRANSFER_PARTS = ['keyValue', 'counter', 'cache', 'document', 'queue', 'broadcast'] as const;
export type TransferPart = (typeof TRANSFER_PARTS)[number];

/**
 * A key with its value, or with fields of it: a key with many fields comes as several records, and loading adds to the fields that are there.
 * `base64` where the value is not UTF-8 text. Times are absolute ms; null for never.
 */
export interface KeyRecord {
  readonly of: 'key';
  readonly key: string;
  readonly value:
    | { readonly text: string }
    | { readonly base64: string }
    | { readonly fields: Readonly<Record<string, string>> };
  readonly expiresAt: number | null;
}

export interface CounterRecord {
  readonly of: 'counter';
  readonly key: string;
  readonly value: number;
  readonly expiresAt: number | null;
}

export interface CacheEntryRecord {
  readonly of: 'entry';
  readonly key: string;
  readonly text: string;
  readonly expiresAt: number;
}

export interface CacheTagRecord {
  readonly of: 'tag';
  readonly tag: string;
  readonly epoch: string;
  readonly expiresAt: number;
}

/** A collection's counters; comes before its documents. */
export interface CollectionRecord {
  readonly of: 'collection';
  readonly collection: string;
  readonly revision: number;
  /** Deletions up to this revision are no longer known. */
  readonly floor: number;
}

export interface DocumentRecord {
  readonly of: 'document';
  readonly collection: string;
  readonly id: string;
  readonly revision: number;
  readonly body: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly expiresAt: number | null;
  readonly entries: readonly IndexEntry[];
}

/** A deletion that the change feed still tells. */
export interface TombstoneRecord {
  readonly of: 'tombstone';
  readonly collection: string;
  readonly id: string;
  readonly revision: number;
}

export interface QueueRecord {
  readonly of: 'queue';
  readonly queue: string;
  readonly paused: boolean;
  readonly limits: QueueLimits | null;
}

/**
 * A job. One that is active is told as waiting and comes before the others: its lease and the run under way stay behind (one that someone asked to cancel
 * is told as cancelled, unless it has a parent, which would not hear of it: that one waits). Waiting jobs of one priority come in the order in which they
 * will run, those aside before the line. Windows under way stay behind.
 */
export interface TransferredJob {
  readonly of: 'job';
  readonly queue: string;
  readonly id: string;
  readonly body: string;
  readonly state: 'waiting' | 'delayed' | 'completed' | 'failed' | 'cancelled';
  readonly priority: number;
  readonly group: string | null;
  /** Runs that ended. */
  readonly attempts: number;
  readonly stalls: number;
  readonly dedupeKey: string | null;
  readonly progress: string | null;
  readonly result: string | null;
  readonly error: string | null;
  readonly dueAt: number | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly parent: string | null;
  /** Parts that must still come; null for a job that never awaited any. One that is delayed without `dueAt` is held. */
  readonly awaits: number | null;
  /** The oldest first. */
  readonly logs: readonly JobLogLine[];
}

/** A part of a job's, which comes before it. `awaits` of the job has counted it already. */
export interface PartRecord {
  readonly of: 'part';
  readonly queue: string;
  readonly id: string;
  readonly part: string;
  readonly turn: number;
  readonly fails: boolean;
  readonly text: string;
}

/** What a job that has finished still owes its parent. */
export interface OwedRecord {
  readonly of: 'owed';
  readonly queue: string;
  readonly id: string;
  readonly turn: number;
  readonly parent: string;
  readonly state: 'completed' | 'failed' | 'cancelled';
  readonly text: string | null;
  /** When it was put off for the first time; null for never. It is due at once. */
  readonly missedAt: number | null;
}

/** A schedule of a queue. `nextAt` may be past: missed ticks are fired where it arrives. */
export interface TransferredSchedule extends ScheduleRecord {
  readonly of: 'schedule';
  readonly queue: string;
}

/** A topic's counters; comes before its messages. */
export interface TopicRecord {
  readonly of: 'topic';
  readonly topic: string;
  readonly incarnation: number;
  readonly sequence: number;
  /** When the messages, and when the counters go, if nothing is appended. Messages that are gone already: a time that is past. */
  readonly messagesExpireAt: number;
  readonly countersExpireAt: number;
}

export interface MessageRecord {
  readonly of: 'message';
  readonly topic: string;
  readonly incarnation: number;
  readonly sequence: number;
  readonly data: string;
  readonly at: number;
  /** When the messages of its topic go, as in the topic's record. */
  readonly expiresAt: number;
}

export type TransferRecord =
  | KeyRecord
  | CounterRecord
  | CacheEntryRecord
  | CacheTagRecord
  | CollectionRecord
  | DocumentRecord
  | TombstoneRecord
  | QueueRecord
  | TransferredJob
  | TransferredSchedule
  | PartRecord
  | OwedRecord
  | TopicRecord
  | MessageRecord;

/** Those of the queue's part. */
export function isOfQueue(
  record: TransferRecord,
): record is QueueRecord | TransferredJob | TransferredSchedule | PartRecord | OwedRecord {
  return ['queue', 'job', 'schedule', 'part', 'owed'].includes(record.of);
}

export interface TransferPage {
  readonly records: readonly TransferRecord[];
  /** null at the end; a page may be empty and still have one. Opaque, and good for as long as the store holds the data: a move that was cut off goes on here. */
  readonly cursor: string | null;
}

/**
 * Reads and writes what a backend holds, as it is: with TTLs, revisions, orders, cursors. It serves moving and inspecting, not work: what changes meanwhile
 * may or may not be in it. Leases, sessions, limiter states and members stay behind: they are about processes, or about seconds.
 */
export interface TransferPort {
  /** About how many records a part holds, for a progress bar. Looks at names, not at contents. */
  count(part: TransferPart): Promise<number>;
  /**
   * A page of a part, each record at least once, nothing that has expired. At most `limit` records (1 to 1,000), and it ends behind about
   * `TRANSFER_PAGE_BYTES` of contents. A bounded number of round trips, none of which keeps the store from others for long. INVALID for a cursor that no dump answered.
   */
  dump(part: TransferPart, cursor: string | null, limit: number): Promise<TransferPage>;
  /**
   * Writes records as they are, in their order, over what is there under the same names: a document takes its unique keys from others, a topic of
   * another incarnation is replaced. Counters of collections and topics never go back, and a job or schedule that is there stays. What has expired meanwhile is not written.
   * At most 1,000 records, atomic one by one. Repeatable.
   */
  load(records: readonly TransferRecord[]): Promise<void>;
}

/** What the contents of one page may add up to, so that neither side holds much at once. */
export const TRANSFER_PAGE_BYTES = 4_194_304;
/** A key with more fields than this comes as several records. */
export const TRANSFER_FIELDS = 1_000;
