/** Wakes one loop. A notice given while nobody waits is kept for the next wait; many count as one. */
export class Gate {
  #noticed = false;
  #wake: (() => void) | undefined;

  notify(): void {
    this.#noticed = true;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  async wait(): Promise<void> {
    if (!this.#noticed) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#noticed = false;
  }
}
