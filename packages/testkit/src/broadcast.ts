import { broadcastPortSuite } from './broadcast-port.ts';
import { broadcastTopicsSuite } from './broadcast-topics.ts';
import { commandSuite } from './command.ts';
import type { Harness } from './harness.ts';

/** The broadcast port alone, topics on it, and commands on it. */
export function broadcastSuite(harness: Harness): void {
  broadcastPortSuite(harness);
  broadcastTopicsSuite(harness);
  commandSuite(harness);
}
