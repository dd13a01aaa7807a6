/** One that takes slots: a queue's session. */
export interface SlotUser {
  /** Slots were given back; ask again. */
  slotsFreed(): void;
}

/**
 * The worker's slots, one per job it may run at a time, shared fairly between its queues: who was refused stands in line, and is served before those
 * who ask later.
 */
export class Pool {
  readonly size: number;
  readonly #line = new Set<SlotUser>();
  #free: number;

  constructor(size: number) {
    this.size = size;
    this.#free = size;
  }

  get free(): number {
    return this.#free;
  }

  /** Takes up to `most` slots, a fair share of the free ones; 0 puts the user in line. */
  reserve(user: SlotUser, most: number): number {
    let ahead = 0;
    for (const other of this.#line) {
      if (other === user) break;
      ahead += 1;
    }
    const share = Math.min(this.#free - ahead, Math.ceil(this.#free / Math.max(this.#line.size, 1)), most);
    if (share <= 0) {
      this.#line.add(user);
      return 0;
    }
    this.#line.delete(user);
    this.#free -= share;
    return share;
  }

  release(slots: number): void {
    if (slots === 0) return;
    this.#free += slots;
    this.#tell();
  }

  /** Steps out of the line; who was refused for its sake may ask again. */
  leave(user: SlotUser): void {
    if (this.#line.delete(user) && this.#free > 0) this.#tell();
  }

  #tell(): void {
    for (const user of [...this.#line]) user.slotsFreed();
  }
}
