import { type OwedPart, TRANSFER_PAGE_BYTES } from '@portolan/core';
import type { Job } from './queue-job.ts';

interface Entry extends Omit<OwedPart, 'missedMs'> {
  readonly missedAt: number | null;
  readonly dueAt: number;
}

/** What a queue's finished jobs owe their parents. */
export class OwedParts {
  readonly #entries = new Map<string, Entry>();
  #turn = 0;

  get size(): number {
    return this.#entries.size;
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  /** In microseconds of the store's clock, so that turns go on where they were though nothing keeps them. */
  add({ id, parent, result, error }: Job, state: OwedPart['state'], now: number): void {
    if (parent === null) return;
    this.#turn = Math.max(now * 1_000, this.#turn + 1);
    const text = state === 'completed' ? result : error;
    this.#entries.set(id, { id, turn: this.#turn, parent, state, text, missedAt: null, dueAt: now });
  }

  load({ id, turn, parent, state, text, missedAt }: Omit<Entry, 'dueAt'>): void {
    if ((this.#entries.get(id)?.turn ?? 0) >= turn) return;
    this.#entries.set(id, { id, turn, parent, state, text, missedAt, dueAt: 0 });
    this.#turn = Math.max(this.#turn, turn);
  }

  takeBack(id: string): void {
    this.#entries.delete(id);
  }

  strike(id: string, turn: number): boolean {
    return this.#entries.get(id)?.turn === turn && this.#entries.delete(id);
  }

  defer(id: string, turn: number, delayMs: number, now: number): boolean {
    const entry = this.#entries.get(id);
    if (entry?.turn !== turn) return false;
    this.#entries.set(id, { ...entry, missedAt: entry.missedAt ?? now, dueAt: now + delayMs });
    return true;
  }

  /** Is anything owed that is not put off? */
  due(now: number): boolean {
    for (const { dueAt } of this.#entries.values()) if (dueAt <= now) return true;
    return false;
  }

  list(limit: number, now: number): OwedPart[] {
    const found = [...this.#entries.values()]
      .filter(({ dueAt }) => dueAt <= now)
      .sort((a, b) => a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1));
    const told: OwedPart[] = [];
    let left = TRANSFER_PAGE_BYTES;
    for (const { missedAt, dueAt: _, ...entry } of found.slice(0, limit)) {
      if (left <= 0) break;
      left -= entry.text?.length ?? 0;
      told.push({ ...entry, missedMs: missedAt === null ? null : now - missedAt });
    }
    return told;
  }
}
