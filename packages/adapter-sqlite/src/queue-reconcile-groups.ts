import { roomWithin } from '@portolan/core';
import type { Step } from './queue-reconcile-walk.ts';
import { allLeases } from './queue-session.ts';

const RUNNING = `SELECT in_group AS name, count(*) AS n FROM job
  WHERE number IN (SELECT value FROM json_each(?)) AND in_group IS NOT NULL GROUP BY in_group`;
const FIRST = 'FROM job_aside WHERE team = job_group.number ORDER BY rank, place LIMIT 1';
const GROUPS = `SELECT number, name, active, begun_at AS begunAt, used, rank, place, ready, rests,
    (SELECT rank ${FIRST}) AS firstRank, (SELECT place ${FIRST}) AS firstPlace
  FROM job_group WHERE queue = ? ORDER BY number`;
const SAVE = 'UPDATE job_group SET active = ?, rank = ?, place = ?, ready = ?, rests = ? WHERE number = ?';
const DROP = 'DELETE FROM job_group WHERE number = ?';
const ADD = 'INSERT INTO job_group (queue, name, active) VALUES (?, ?, ?)';

interface Row {
  readonly number: number;
  readonly name: string;
  readonly active: number;
  readonly begunAt: number | null;
  readonly used: number;
  readonly rank: number | null;
  readonly place: number | null;
  readonly ready: number;
  readonly rests: number;
  readonly firstRank: number | null;
  readonly firstPlace: number | null;
}

/** Groups count what runs, sit by their first job aside, and are ready where they have room that no end of a window will tell. All at once: O(groups + active). */
export const reconcileGroups: Step = (walk) => {
  const { engine, row, now } = walk.state;
  const limits = row.limits?.group ?? {};
  const numbers = allLeases(engine, row.number).map(([, { number }]) => number);
  const running = new Map(
    engine
      .sql(RUNNING)
      .all(JSON.stringify(numbers))
      .map(({ name, n }) => [String(name), Number(n)]),
  );
  const groups = engine.sql(GROUPS).all(row.number) as unknown as Row[];
  walk.looked += groups.length;
  for (const group of groups) {
    const { number, name, begunAt, firstRank: rank, firstPlace: place } = group;
    const active = running.get(name) ?? 0;
    running.delete(name);
    if (active === 0 && begunAt === null && rank === null) {
      engine.sql(DROP).run(number);
      walk.mend('sums');
      continue;
    }
    const tellsItself = group.rests === 1 && limits.rate !== undefined && begunAt !== null;
    const stuck =
      rank !== null && group.ready === 0 && !tellsItself && roomWithin(limits, { ...group, active }, now) > 0;
    const ready = rank === null ? 0 : stuck ? 1 : group.ready;
    const rests = rank === null || stuck ? 0 : group.rests;
    const summed = group.active !== active || group.rank !== rank || group.place !== place;
    if (!summed && ready === group.ready && rests === group.rests) continue;
    engine.sql(SAVE).run(active, rank, place, ready, rests, number);
    walk.mend(stuck ? 'jobs' : 'sums');
  }
  for (const [name, active] of running) {
    engine.sql(ADD).run(row.number, name, active);
    walk.mend('sums');
  }
  return undefined;
};
