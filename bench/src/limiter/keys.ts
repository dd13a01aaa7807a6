const CLIENTS = 1_000;

/** Who is limited. */
export const keyOf = (n: number): string => `client-${Math.abs(n) % CLIENTS}`;
