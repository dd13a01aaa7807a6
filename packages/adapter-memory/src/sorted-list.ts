/** Distinct texts in code unit order. Finding is O(log n); adding and removing move what follows, as one block of memory. */
export class SortedList {
  readonly #items: string[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** How many items sort below `text`. */
  rank(text: string): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#items[middle] as string) < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  at(rank: number): string | undefined {
    return this.#items[rank];
  }

  add(text: string): void {
    const rank = this.rank(text);
    if (this.#items[rank] !== text) this.#items.splice(rank, 0, text);
  }

  remove(text: string): void {
    const rank = this.rank(text);
    if (this.#items[rank] === text) this.#items.splice(rank, 1);
  }
}
