import type { Harness } from './harness.ts';

export function cacheSuite(_harness: Harness): void {}
