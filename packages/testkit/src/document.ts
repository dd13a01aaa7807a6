import type { Harness } from './harness.ts';

export function documentSuite(_harness: Harness): void {}
