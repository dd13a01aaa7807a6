import type { Engine } from './engine.ts';

interface Lease {
  readonly number: number;
  /** ms when the run began. */
  readonly startedAt: number;
}

export interface Reply {
  readonly created: boolean;
  /** How many of the last leases the exchange gave. */
  readonly claimed: number;
  readonly refused: readonly string[];
}

/** How long an exchange may be repeated. */
const REPLY_MS = 600_000;

const FIND = 'SELECT expires_at, held, nonce, reply FROM job_session WHERE queue = ? AND id = ?';
const ALL = 'SELECT id, held FROM job_session WHERE queue = ? AND expires_at IS NOT NULL ORDER BY id';
const LEASING = `SELECT id, expires_at, held FROM job_session WHERE queue = ? AND held <> '[]' ORDER BY id`;
const SET_HELD = 'UPDATE job_session SET held = ? WHERE queue = ? AND id = ?';
const EXPIRED = 'SELECT id, held FROM job_session WHERE queue = ? AND expires_at <= ? ORDER BY expires_at, id LIMIT ?';
const SAVE = `INSERT INTO job_session (queue, id, expires_at, held, nonce, reply, kept_until) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (queue, id) DO UPDATE SET expires_at = excluded.expires_at, held = excluded.held, nonce = excluded.nonce,
    reply = excluded.reply, kept_until = excluded.kept_until`;
const BEAT = 'UPDATE job_session SET expires_at = ? WHERE queue = ? AND id = ? AND expires_at IS NOT NULL';
const END = `UPDATE job_session SET expires_at = NULL, held = '[]' WHERE queue = ? AND id = ?`;
const SWEEP = `DELETE FROM job_session WHERE rowid IN
  (SELECT rowid FROM job_session WHERE expires_at IS NULL AND kept_until <= ? ORDER BY kept_until LIMIT ?)`;

/** What a session leases, by the job's id; the last claimed come last. */
export type Held = Map<string, Lease>;

/** A worker session within one transaction. */
export interface Session {
  /** False for one that is new, or whose leases were taken away. */
  readonly alive: boolean;
  readonly held: Held;
  readonly nonce: string | undefined;
  readonly reply: Reply | undefined;
}

export function findSession(engine: Engine, queue: number, id: string): Session {
  const row = engine.sql(FIND).get(queue, id);
  if (!row) return { alive: false, held: new Map(), nonce: undefined, reply: undefined };
  return {
    alive: row.expires_at !== null,
    held: parseHeld(row.held),
    nonce: String(row.nonce),
    reply: JSON.parse(String(row.reply)),
  };
}

export function saveSession(
  engine: Engine,
  queue: number,
  id: string,
  now: number,
  { expiresAt, held, nonce, reply }: { expiresAt: number; held: Held; nonce: string; reply: Reply },
): void {
  engine.sql(SAVE).run(queue, id, expiresAt, formatHeld(held), nonce, JSON.stringify(reply), now + REPLY_MS);
}

/** False for a session that is not alive. */
export function beatSession(engine: Engine, queue: number, id: string, expiresAt: number): boolean {
  return engine.sql(BEAT).run(expiresAt, queue, id).changes === 1;
}

/** All leases of a queue, as id and lease. */
export function allLeases(engine: Engine, queue: number): [string, Lease][] {
  return engine
    .sql(ALL)
    .all(queue)
    .flatMap((row) => [...parseHeld(row.held)]);
}

/** Every session that leases something, whether it still may or not. */
export function sessionsWithLeases(engine: Engine, queue: number): { id: string; alive: boolean; held: Held }[] {
  return engine
    .sql(LEASING)
    .all(queue)
    .map((row) => ({ id: String(row.id), alive: row.expires_at !== null, held: parseHeld(row.held) }));
}

/** Takes leases from a session without an exchange. */
export function setHeld(engine: Engine, queue: number, id: string, held: Held): void {
  engine.sql(SET_HELD).run(formatHeld(held), queue, id);
}

/** Ends up to `limit` expired sessions. */
export function takeExpired(engine: Engine, queue: number, now: number, limit: number): { id: string; held: Held }[] {
  const rows = engine.sql(EXPIRED).all(queue, now, limit);
  for (const row of rows) engine.sql(END).run(queue, String(row.id));
  return rows.map((row) => ({ id: String(row.id), held: parseHeld(row.held) }));
}

/** What is left of a session that was ended: goes on as one that has expired and that nobody can renew, so that its worker learns of its end now. */
export function leaveExpired(engine: Engine, queue: number, id: string, held: Held): void {
  const reply: Reply = { created: false, claimed: 0, refused: [] };
  engine.sql(SAVE).run(queue, `${id}~`, 0, formatHeld(held), '', JSON.stringify(reply), 0);
}

/** Removes ended sessions whose last exchange can no longer be repeated. */
export function sweepSessions(engine: Engine, now: number, limit: number): number {
  return Number(engine.sql(SWEEP).run(now, limit).changes);
}

function parseHeld(text: unknown): Held {
  const flat = JSON.parse(String(text)) as (string | number)[];
  const held: Held = new Map();
  for (let at = 0; at < flat.length; at += 3) {
    held.set(flat[at] as string, { number: flat[at + 1] as number, startedAt: flat[at + 2] as number });
  }
  return held;
}

function formatHeld(held: Held): string {
  const flat: (string | number)[] = [];
  for (const [id, { number, startedAt }] of held) flat.push(id, number, startedAt);
  return JSON.stringify(flat);
}
