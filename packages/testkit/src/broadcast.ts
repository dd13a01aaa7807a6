import type { Harness } from './harness.ts';

export function broadcastSuite(_harness: Harness): void {}
