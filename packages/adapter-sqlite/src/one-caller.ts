import { SOON } from './soon.ts';

/** So many times running, one call came for itself. */
const SURE = 4;

/**
 * Whether the next call may be served at once. Calls wait for a moment so that those made together share a transaction; for a caller who waits for each of its calls
 * before the next, that moment is lost. So: yes after calls that came for themselves, once until the callbacks of promises that are due have run. A second caller is
 * among these, and ends it.
 */
export class OneCaller {
  #sure = 0;
  #served = false;
  readonly #reset = () => {
    this.#served = false;
  };

  /** So many calls shared a transaction. */
  together(calls: number): void {
    this.#sure = calls === 1 ? this.#sure + 1 : 0;
  }

  /** A call has come. The first that is not alone is told so too. */
  serves(): boolean {
    if (this.#sure < SURE) return false;
    if (this.#served) {
      this.#sure = 0;
      return false;
    }
    this.#served = true;
    void SOON.then(this.#reset);
    return true;
  }
}
