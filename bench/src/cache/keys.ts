const KEYS = 100;

/** Few, so that nearly every call is a hit from the start. */
export const keyOf = (n: number): string => `k${Math.abs(n) % KEYS}`;
