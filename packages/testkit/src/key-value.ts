import type { Harness } from './harness.ts';

export function keyValueSuite(_harness: Harness): void {}
