import { competeWithCalls } from '../harness/contender.ts';
import { openPortolan } from '../harness/portolan.ts';
import { VALUE } from '../harness/value.ts';
import { keyOf } from './keys.ts';

competeWithCalls(
  ['hit'],
  async (task) => {
    const { cache } = await openPortolan(task);
    return (n) => cache.getOrSet(keyOf(n), async () => VALUE, { freshMs: 3_600_000 });
  },
  { onRedis: process.argv[2] === 'redis' },
);
