import type { SQLInputValue } from 'node:sqlite';
import { HELD_DUE_AT, type NewJob, type PushedJob } from '@portolan/core';
import { InsertMany } from './insert-many.ts';
import { addKin } from './queue-kin.ts';
import type { QueueState } from './queue-state.ts';
import { toColumn } from './text.ts';

const PUSH = `INSERT INTO job (queue, id, priority, place, due_at, dedupe_key, in_group, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
const LINE = new InsertMany('job_line (queue, rank, place, job)');
const FREE_KEY = 'UPDATE job SET dedupe_key = NULL WHERE number = ?';

/** Jobs pushed in one call: what came of each, and the places in the line that are still to be written. */
interface Batch {
  readonly pushed: PushedJob[];
  readonly line: SQLInputValue[];
  /** There is something to do, or sooner than it was. */
  hint: boolean;
}

/** Adds jobs. */
export function push(state: QueueState, jobs: readonly NewJob[]): Batch {
  const batch: Batch = { pushed: [], line: [], hint: false };
  for (const job of jobs) batch.pushed.push(pushOne(state, job, batch));
  writeLine(state, batch);
  return batch;
}

function pushOne(state: QueueState, job: NewJob, batch: Batch): PushedJob {
  const { engine, row, now } = state;
  const { id, body, priority, delayMs, dedupeKey = null, group = null, parent, awaits } = job;
  const dueAt = awaits ? HELD_DUE_AT : delayMs > 0 ? now + delayMs : null;
  const delayed = dueAt !== null;
  const place = delayed ? null : row.back + 1;
  const { changes, lastInsertRowid } = engine
    .sql(PUSH)
    .run(row.number, id, priority, place, dueAt, dedupeKey, group, toColumn(body));
  if (changes === 0) return pushOnto(state, job, batch);
  batch.hint = true;
  if (parent !== undefined || awaits) addKin(state, lastInsertRowid, parent ?? null, awaits || null);
  if (delayed) row.delayed += 1;
  else {
    row.back += 1;
    row.waiting += 1;
    batch.line.push(row.number, -priority, place, lastInsertRowid);
  }
  return { id, created: true };
}

/** A push whose id is known, or whose dedupe key is held. */
function pushOnto(state: QueueState, job: NewJob, batch: Batch): PushedJob {
  const holder = state.find(job.id) ? undefined : state.holder(job.dedupeKey ?? '');
  if (!holder) return { id: job.id, created: false };
  const { dedupe = 'keep' } = job;
  if (dedupe === 'keep') return { id: holder.id, created: false };
  // The holder's own place may not be written yet.
  writeLine(state, batch);
  const now = state.stateOf(holder);
  if (now === 'active') {
    state.engine.sql(FREE_KEY).run(holder.number);
    return pushOne(state, job, batch);
  }
  state.setBody(holder, job.body);
  Object.assign(holder, { runs: 0, stalls: 0, progress: null, error: null, started_at: null });
  const dueAt = holder.due_at;
  if (dedupe === 'debounce' && dueAt !== null && dueAt !== HELD_DUE_AT) {
    state.leave(holder, 'gone');
    state.enter(holder, job.delayMs);
    if (state.now + job.delayMs < dueAt) batch.hint = true;
  } else state.update(holder);
  return { id: holder.id, created: false };
}

function writeLine({ engine }: QueueState, { line }: Batch): void {
  LINE.run(engine, line);
  line.length = 0;
}
