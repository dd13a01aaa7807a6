import type { Harness } from './harness.ts';

export function queueSuite(_harness: Harness): void {}
