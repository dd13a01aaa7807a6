import { broadcastSuite } from './broadcast.ts';
import { cacheSuite } from './cache.ts';
import { counterSuite } from './counter.ts';
import { documentSuite } from './document.ts';
import type { Harness } from './harness.ts';
import { keyValueSuite } from './key-value.ts';
import { limiterSuite } from './limiter.ts';
import { queueSuite } from './queue.ts';
import { transferSuite } from './transfer.ts';

/** Runs the whole conformance suite on an adapter: every port alone, core on the port, and many clients at once. Call it in a Vitest file. */
export function testAdapter(harness: Harness): void {
  keyValueSuite(harness);
  cacheSuite(harness);
  counterSuite(harness);
  limiterSuite(harness);
  documentSuite(harness);
  queueSuite(harness);
  broadcastSuite(harness);
  if (harness.transfer !== false) transferSuite(harness);
}
