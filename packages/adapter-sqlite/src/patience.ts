import { classify, isBusy } from './errors.ts';

const PAUSE_MS = { first: 1, most: 20 };

/**
 * Pauses between attempts at a lock that another process holds: each longer than the one before, and at random, so that rivals part. In real
 * time whatever the runtime's clock says: the lock is held in that.
 */
export function pauses(): () => Promise<void> {
  let next = PAUSE_MS.first;
  return () => {
    const ms = next * (0.5 + Math.random());
    next = Math.min(next * 2, PAUSE_MS.most);
    return new Promise((resolve) => setTimeout(resolve, ms));
  };
}

/** Tries until nobody else holds the lock; UNAVAILABLE after `deadlineMs`. */
export async function patiently<T>(deadlineMs: number, attempt: () => T): Promise<T> {
  const until = performance.now() + deadlineMs;
  for (const pause = pauses(); ; await pause()) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= until) throw classify(error);
    }
  }
}
