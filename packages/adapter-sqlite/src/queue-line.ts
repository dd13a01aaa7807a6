import type { LeasedJob } from '@portolan/core';
import type { Held } from './queue-session.ts';
import type { QueueState } from './queue-state.ts';
import { fromColumn } from './text.ts';

/** Only holes make further rounds, each of which reads so many places more than the one before. A claim drops some 20,000 holes at most. */
const MOST_ROUNDS = 20;
const MORE_PLACES = 100;

const HEAD = `SELECT rank, line.place, hole, number, id, body, runs, stalls FROM job_line AS line CROSS JOIN job ON number = line.job
  WHERE line.queue = ? ORDER BY rank, line.place LIMIT ?`;
const CUT = 'DELETE FROM job_line WHERE queue = ? AND (rank, place) <= (?, ?)';

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
    const places = limit - claimed.length + round * MORE_PLACES;
    const rows = head.all(row.number, places) as unknown as Row[];
    let last: Row | undefined;
    for (last of rows) {
      const [, , hole, number, id, body, runs, stalls] = last;
      if (hole === 1) continue;
      held.set(id, { number, startedAt: now });
      claimed.push({ id, body: fromColumn(body), attempt: runs + 1, stalls, startedAt: now });
      if (claimed.length === limit) break;
    }
    if (last) engine.sql(CUT).run(row.number, last[0], last[1]);
    if (rows.length < places) break;
  }
  row.waiting -= claimed.length;
  row.active += claimed.length;
  return claimed;
}
