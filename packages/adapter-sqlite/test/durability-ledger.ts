import type { Retention } from '@portolan/core';

/** One line of a writer: what was acknowledged to it. Every kind counts from 1, without a hole, and has one write under way at a time. */
export type LedgerEntry =
  | { readonly kind: 'open' }
  | { readonly kind: 'keys' | 'counter' | 'documents' | 'pushed'; readonly n: number }
  | { readonly kind: 'topic'; readonly n: number; readonly cursors: readonly string[] }
  | { readonly kind: 'completed'; readonly ids: readonly string[] }
  | { readonly kind: 'failed'; readonly reason: string };

export const JOBS = 'jobs';
export const FOREVER: Retention = { completed: { count: 1e6, ms: 6e8 }, failed: { count: 1e6, ms: 6e8 } };

/** What one writer was told, in sum. */
export interface Ledger {
  readonly writer: string;
  readonly acknowledged: { readonly [kind in 'keys' | 'counter' | 'documents' | 'pushed' | 'topic']: number };
  readonly cursors: readonly (readonly string[])[];
  readonly completed: readonly string[];
  readonly failure: string | undefined;
}

export function readLedger(writer: string, lines: readonly string[]): Ledger {
  const acknowledged = { keys: 0, counter: 0, documents: 0, pushed: 0, topic: 0 };
  const cursors: (readonly string[])[] = [];
  const completed: string[] = [];
  let failure: string | undefined;
  for (const line of lines) {
    // A line that the kill cut in two was not acknowledged.
    if (!line.endsWith('}')) continue;
    const entry = JSON.parse(line) as LedgerEntry;
    if (entry.kind === 'failed') failure = entry.reason;
    else if (entry.kind === 'completed') completed.push(...entry.ids);
    else if (entry.kind !== 'open') acknowledged[entry.kind] = entry.n;
    if (entry.kind === 'topic') cursors.push(entry.cursors);
  }
  return { writer, acknowledged, cursors, completed, failure };
}
