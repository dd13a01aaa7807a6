import type { Runtime } from '../runtime.ts';

/** Renews the leases of a worker from a thread of its own while the worker's thread is blocked by a handler that computes and does not yield. */
export interface LeaseKeeper {
  /** Keeps the session from here on. Cheap, and never throws. */
  hold(queue: string, session: string, leaseMs: number): void;
  /** Leaves it to itself. */
  drop(session: string): void;
}

export interface LeaseHold {
  readonly queue: string;
  readonly session: string;
  readonly leaseMs: number;
}

/** What the keeper's thread must hear of, as plain data. */
export type LeaseMessage = ({ readonly do: 'hold' } & LeaseHold) | { readonly do: 'drop'; readonly session: string };

export interface LeaseKeeperOptions {
  readonly runtime: Runtime;
  /** Shared with the thread: its first number is the time of this thread's last sign of life, see `stillMs`. */
  readonly pulse: Int32Array<SharedArrayBuffer>;
  /** Brings a message to the `LeaseWatch` of the other thread, even when this one is blocked right after. */
  readonly tell: (message: LeaseMessage) => void;
}

/** Looks of the other thread, and signs of life of this one, in the time from one beat to the next. */
const LOOKS = 4;

/** ms from one beat to the next of what is held: a third of the shortest lease, as a worker beats. */
export function beatEveryMs(held: ReadonlyMap<string, LeaseHold>): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (const { leaseMs } of held.values()) shortest = Math.min(shortest, leaseMs);
  return shortest / 3;
}

export const lookEveryMs = (held: ReadonlyMap<string, LeaseHold>): number => beatEveryMs(held) / LOOKS;

/** ms since the last sign of life. The number holds the lower half of the time, which goes round every 49 days: good for differences. */
export const stillMs = (pulse: Int32Array<SharedArrayBuffer>, now: number): number =>
  ((Math.floor(now) | 0) - Atomics.load(pulse, 0)) | 0;

/**
 * The worker's side of a keeper: hands on what is held and shows that the loop runs, twice a second with the usual lease of 6 s. The other side is a
 * `LeaseWatch`, run by whoever starts the thread. `close` ends the signs of life: end the other side before.
 */
export function createLeaseKeeper({ runtime, pulse, tell }: LeaseKeeperOptions): LeaseKeeper & { close(): void } {
  const held = new Map<string, LeaseHold>();
  let showing: AbortController | undefined;
  let closed = false;

  async function show(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      Atomics.store(pulse, 0, Math.floor(runtime.clock.now()) | 0);
      await runtime.sleep(lookEveryMs(held), signal);
    }
  }

  function rest(): void {
    showing?.abort();
    showing = undefined;
  }

  return {
    hold(queue, session, leaseMs) {
      if (closed) return;
      const hold = { queue, session, leaseMs };
      held.set(session, hold);
      if (!showing) {
        showing = new AbortController();
        void show(showing.signal);
      }
      tell({ do: 'hold', ...hold });
    },
    drop(session) {
      if (!held.delete(session)) return;
      tell({ do: 'drop', session });
      if (held.size === 0) rest();
    },
    close() {
      closed = true;
      held.clear();
      rest();
    },
  };
}

/** A lane has one session at a time: call with each that it takes, and with undefined after the last. Costs nothing while it stays the same. */
export function holdLatest(
  keeper: LeaseKeeper | undefined,
  queue: string,
  leaseMs: number,
): (session: string | undefined) => void {
  let latest: string | undefined;
  return (session) => {
    if (session === latest) return;
    if (latest !== undefined) keeper?.drop(latest);
    if (session !== undefined) keeper?.hold(queue, session, leaseMs);
    latest = session;
  };
}
