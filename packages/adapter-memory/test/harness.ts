import type { Harness } from '@portolan/testkit';
import { MemoryHub, memoryAdapter } from '../src/index.ts';

const hubs = new Map<string, MemoryHub>();

export const memoryHarness: Harness = {
  name: 'memory',
  time: 'manual',
  async open({ namespace, runtime }) {
    const hub = hubs.get(namespace) ?? new MemoryHub(runtime.clock);
    hubs.set(namespace, hub);
    return memoryAdapter({ hub }).open('memory:', { namespace, runtime, deadlineMs: 1_000 });
  },
};
