import type { LeasedJob } from '@portolan/core';
import type { Held } from './queue-session.ts';
import type { QueueState } from './queue-state.ts';
import { fromColumn } from './text.ts';

/** Each round cuts off as many places as jobs are still wanted; only holes make further rounds. */
const MOST_ROUNDS = 20;

const HEAD = `SELECT rank, line.place, hole, number, id, body, runs, stalls FROM job_line AS line CROSS JOIN job ON number = line.job
  WHERE line.queue = ? ORDER BY rank, line.place LIMIT ?`;
const CUT = 'DELETE FROM job_line WHERE queue = ? AND (rank, place) <= (?, ?)';
const CLEAR = 'DELETE FROM job_line WHERE queue = ?';

type Row = readonly [
  rank: number,
  place: number,
  hole: number,
  number: number,
  id: string,
  body: unknown,
  runs: number,
  stalls: number,
];

/** Takes up to `limit` jobs off the head of the line, with the holes that lie between them, and leases them to the session that holds `held`. */
export function claim({ engine, row, now }: QueueState, held: Held, limit: number): LeasedJob[] {
  const claimed: LeasedJob[] = [];
  // Without a cancelled job there is no hole.
  if (limit === 0 || (row.waiting === 0 && row.cancelled === 0)) return claimed;
  const head = engine.sql(HEAD);
  head.setReturnArrays(true);
  for (let round = 0; round < MOST_ROUNDS && claimed.length < limit; round += 1) {
    const wanted = limit - claimed.length;
    const rows = head.all(row.number, wanted) as unknown as Row[];
    for (const [, , hole, number, id, body, runs, stalls] of rows) {
      if (hole === 1) continue;
      held.set(id, { number, startedAt: now });
      claimed.push({ id, body: fromColumn(body), attempt: runs + 1, stalls, startedAt: now });
    }
    const last = rows.at(-1);
    if (!last || rows.length < wanted) {
      engine.sql(CLEAR).run(row.number);
      break;
    }
    engine.sql(CUT).run(row.number, last[0], last[1]);
  }
  row.waiting -= claimed.length;
  row.active += claimed.length;
  return claimed;
}
