import type { Engine } from './engine.ts';
import { fromColumn } from './text.ts';

/** A job as it is claimed. */
export interface LineJob {
  readonly number: number;
  readonly id: string;
  readonly body: string;
  readonly runs: number;
  readonly stalls: number;
}

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

/** Takes up to `limit` jobs off the head of the line, with the holes that lie between them. */
export function claimLine(engine: Engine, queue: number, limit: number): LineJob[] {
  const taken: LineJob[] = [];
  const head = engine.sql(HEAD);
  head.setReturnArrays(true);
  for (let round = 0; round < MOST_ROUNDS && taken.length < limit; round += 1) {
    const wanted = limit - taken.length;
    const rows = head.all(queue, wanted) as unknown as Row[];
    for (const [, , hole, number, id, body, runs, stalls] of rows) {
      if (hole === 0) taken.push({ number, id, body: fromColumn(body), runs, stalls });
    }
    const last = rows.at(-1);
    if (!last || rows.length < wanted) {
      engine.sql(CLEAR).run(queue);
      break;
    }
    engine.sql(CUT).run(queue, last[0], last[1]);
  }
  return taken;
}
