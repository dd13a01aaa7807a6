import type { LimitPolicy } from '@portolan/core';
import { competeWithCalls, numberOf } from '../harness/contender.ts';
import { openPortolan } from '../harness/portolan.ts';
import { keyOf } from './keys.ts';

competeWithCalls(['consume'], async (task) => {
  const { limiter } = await openPortolan(task);
  const limit = { limit: numberOf(task, 'limit'), periodMs: 60_000 };
  const policy: LimitPolicy =
    process.argv[3] === 'gcra' ? { kind: 'gcra', ...limit, burst: limit.limit } : { kind: 'fixed', ...limit };
  const limited = limiter('bench', [policy]);
  return (n) => limited.consume(keyOf(n));
});
