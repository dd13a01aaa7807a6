import { decodeQueueLimits, type QueueLimits } from '@portolan/core';
import type { Engine } from './engine.ts';

/** A queue's row, changed in place and written once at the end of a transaction. */
export interface QueueRow {
  readonly namespace: number;
  readonly name: string;
  readonly listed_at: number | null;
  readonly number: number;
  paused: number;
  limits: QueueLimits | null;
  begun_at: number | null;
  used: number;
  aside: number;
  grouped: number;
  front: number;
  back: number;
  waiting: number;
  delayed: number;
  active: number;
  completed: number;
  failed: number;
  cancelled: number;
  /** Written apart from the others (queue-schedule.ts). */
  schedules: number;
  kin: number;
  owed: number;
  turn: number;
}

export type RowValues = readonly (number | null)[];

const FIND = 'SELECT * FROM queue WHERE namespace = ? AND name = ?';
const CREATE = 'INSERT INTO queue (namespace, name) VALUES (?, ?)';
/** What changes of a row. */
const COLUMNS = [
  'paused',
  'begun_at',
  'used',
  'aside',
  'grouped',
  'front',
  'back',
  'waiting',
  'delayed',
  'active',
  'completed',
  'failed',
  'cancelled',
  'kin',
  'owed',
  'turn',
] as const;
const SAVE = `UPDATE queue SET ${COLUMNS.map((column) => `${column} = ?`).join(', ')} WHERE number = ?`;

export function findRow(engine: Engine, namespace: number, name: string): QueueRow | undefined {
  const row = engine.sql(FIND).get(namespace, name);
  if (!row) return undefined;
  const limits = row.limits === null ? null : decodeQueueLimits(String(row.limits));
  return { ...(row as unknown as QueueRow), limits };
}

export function makeRow(engine: Engine, namespace: number, name: string): QueueRow {
  engine.sql(CREATE).run(namespace, name);
  return findRow(engine, namespace, name) as QueueRow;
}

/** Writes the row, if it differs from what was read. */
export function saveRow(engine: Engine, row: QueueRow, read: RowValues): void {
  const values = valuesOf(row);
  if (values.some((value, index) => value !== read[index])) engine.sql(SAVE).run(...values, row.number);
}

/** In the order of `COLUMNS`. */
export const valuesOf = (row: QueueRow): RowValues => COLUMNS.map((column) => row[column]);
