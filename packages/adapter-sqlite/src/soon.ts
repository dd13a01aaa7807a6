/** `SOON.then` runs a function as `queueMicrotask` does, for a quarter of its cost: that one keeps an async context for each call (0.7 against 0.17 µs). */
export const SOON: Promise<void> = Promise.resolve();
