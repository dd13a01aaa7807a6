import type { LeasedJob, LimitedLine as Line } from '@portolan/core';
import type { Held } from './queue-session.ts';
import type { QueueState } from './queue-state.ts';
import { fromColumn } from './text.ts';

/** Only holes make further rounds, each of which reads so many places more than the one before. */
const MORE_PLACES = 100;
/** A claim reads so many places at most, which takes it some milliseconds; where more holes stand in the line, the next goes on behind them. */
const MOST_PLACES = 2_000;
/** A limited claim reads so many places at a time, which it may leave in the line. */
const PLACES = 100;

const HEAD = `SELECT rank, line.place, hole, number, id, iif(hole, NULL, body), runs, stalls, in_group FROM job_line AS line CROSS JOIN job ON number = line.job
  WHERE line.queue = ? ORDER BY rank, line.place LIMIT ?`;
const PEEK = `SELECT rank, line.place, hole, number, in_group FROM job_line AS line CROSS JOIN job ON number = line.job
  WHERE line.queue = ? ORDER BY rank, line.place LIMIT ${PLACES}`;
const CUT = 'DELETE FROM job_line WHERE queue = ? AND (rank, place) <= (?, ?)';
const ONE = 'SELECT id, body, runs, stalls, in_group FROM job WHERE number = ?';

type Row = readonly [
  rank: number,
  place: number,
  hole: number,
  number: number,
  id: string,
  body: unknown,
  runs: number,
  stalls: number,
  group: string | null,
];
type Peeked = readonly [rank: number, place: number, hole: number, number: number, group: string | null];

export interface Claim {
  readonly jobs: LeasedJob[];
  /** False when it stopped early, having moved as many jobs aside, or met as many holes, as one claim may. */
  readonly finished: boolean;
}

/** Takes up to `limit` jobs off the head of the line, with the holes that lie between them, and leases them to the session that holds `held`. */
export function claim({ engine, row, now, groups }: QueueState, held: Held, limit: number): Claim {
  const claimed: LeasedJob[] = [];
  // Without a cancelled job there is no hole.
  if (limit === 0 || (row.waiting === 0 && row.cancelled === 0)) return { jobs: claimed, finished: true };
  const head = engine.sql(HEAD);
  head.setReturnArrays(true);
  const started = new Map<string, number>();
  let ended = false;
  let read = 0;
  for (let round = 0; !ended && read < MOST_PLACES && claimed.length < limit; round += 1) {
    const places = Math.min(limit - claimed.length + round * MORE_PLACES, MOST_PLACES - read);
    const rows = head.all(row.number, places) as unknown as Row[];
    let last: Row | undefined;
    for (last of rows) {
      const [, , hole, number, id, body, runs, stalls, group] = last;
      if (hole === 1) continue;
      held.set(id, { number, startedAt: now });
      claimed.push({ id, body: fromColumn(body), attempt: runs + 1, stalls, startedAt: now });
      if (group !== null) started.set(group, (started.get(group) ?? 0) + 1);
      if (claimed.length === limit) break;
    }
    if (last) engine.sql(CUT).run(row.number, last[0], last[1]);
    ended = rows.length < places;
    read += places;
  }
  for (const [group, count] of started) groups.started(group, count);
  row.waiting -= claimed.length;
  row.active += claimed.length;
  return { jobs: claimed, finished: ended || claimed.length === limit };
}

/** The line while a limited claim is made: what was taken from its head is cut off it at the end of a page, and in the end. */
export class LimitedLine implements Line {
  /** Too many holes stood in the line. */
  cutShort = false;
  readonly #state: QueueState;
  readonly #held: Held;
  readonly #claimed: LeasedJob[] = [];
  #page: readonly Peeked[] = [];
  #at = 0;
  #read = 0;
  #ended = false;

  constructor(state: QueueState, held: Held) {
    this.#state = state;
    this.#held = held;
  }

  ready() {
    return this.#state.groups.ready;
  }

  head(): { readonly group: string | null; readonly priority: number } | undefined {
    const row = this.#next();
    return row && { group: row[4], priority: -row[0] };
  }

  hasRoom(group: string): boolean {
    return this.#state.groups.hasRoom(group);
  }

  takeHead(): void {
    const row = this.#next();
    if (!row) return;
    this.#at += 1;
    this.#take(row[3]);
  }

  takeAside(group: string): void {
    this.#take(this.#state.groups.shift(group));
  }

  stepAside(): void {
    const row = this.#next();
    if (!row) return;
    this.#at += 1;
    this.#state.groups.stepAside(row[3], -row[0], row[4] ?? '');
  }

  rest(group: string): void {
    this.#state.groups.rest(group);
  }

  /** Ends the claim and answers what was taken. */
  end(): LeasedJob[] {
    this.#cut();
    return this.#claimed;
  }

  #take(number: number): void {
    const { engine, row, now, groups } = this.#state;
    const { id, body, runs, stalls, in_group: group } = engine.sql(ONE).get(number) ?? {};
    this.#held.set(String(id), { number, startedAt: now });
    this.#claimed.push({
      id: String(id),
      body: fromColumn(body),
      attempt: Number(runs) + 1,
      stalls: Number(stalls),
      startedAt: now,
    });
    row.waiting -= 1;
    row.active += 1;
    if (group != null) groups.started(String(group));
  }

  /** The first place that is no hole. */
  #next(): Peeked | undefined {
    for (;;) {
      const row = this.#page[this.#at];
      if (row?.[2] === 0) return row;
      if (row) this.#at += 1;
      else if (!this.#turn()) return undefined;
    }
  }

  #turn(): boolean {
    const { engine, row } = this.#state;
    this.#cut();
    if (this.#ended || this.#read >= MOST_PLACES) {
      this.cutShort = !this.#ended;
      return false;
    }
    this.#page = engine.arrays(PEEK).all(row.number) as unknown as Peeked[];
    this.#at = 0;
    this.#read += this.#page.length;
    this.#ended = this.#page.length < PLACES;
    return this.#page.length > 0;
  }

  #cut(): void {
    const last = this.#page[this.#at - 1];
    if (last) this.#state.engine.sql(CUT).run(this.#state.row.number, last[0], last[1]);
    this.#page = [];
    this.#at = 0;
  }
}
