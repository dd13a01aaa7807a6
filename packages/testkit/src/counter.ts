import type { Harness } from './harness.ts';

export function counterSuite(_harness: Harness): void {}
