import { PortolanError } from './errors.ts';

interface Flight<T> {
  readonly promise: Promise<T>;
  /** A refresh may be joined by everyone; only a refresh satisfies a refresh. */
  readonly refresh: boolean;
  readonly tags: readonly string[];
}

export interface FlightPlan {
  readonly refresh: boolean;
  readonly tags: readonly string[];
}

/** Single flight in a process: callers of one key share the run that is under way. */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /** The run under way that would do, if there is one. */
  find(key: string, refresh: boolean): Promise<T> | undefined {
    const flight = this.#flights.get(key);
    return flight && (flight.refresh || !refresh) ? flight.promise : undefined;
  }

  /** Joins the run under way, or starts one. A failing run fails everyone who joined it; the next call starts anew. */
  join(key: string, plan: FlightPlan, run: () => Promise<T>): Promise<T> {
    const found = this.find(key, plan.refresh);
    if (found) return found;
    const promise = run().finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    const flight: Flight<T> = { promise, ...plan };
    this.#flights.set(key, flight);
    return promise;
  }

  /** Later callers do not join what started before now: its key, or one of its tags, was invalidated. */
  leave(keys: readonly string[], tags: readonly string[]): void {
    for (const key of keys) this.#flights.delete(key);
    if (tags.length === 0) return;
    for (const [key, flight] of this.#flights) {
      if (flight.tags.some((tag) => tags.includes(tag))) this.#flights.delete(key);
    }
  }
}

/** The promise, or CANCELLED as soon as the signal aborts; what the promise stands for goes on. */
export function orCancelled<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const cancel = () => reject(new PortolanError('CANCELLED', 'the caller cancelled', { cause: signal.reason }));
    if (signal.aborted) {
      promise.catch(() => undefined);
      return cancel();
    }
    signal.addEventListener('abort', cancel, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', cancel));
  });
}
