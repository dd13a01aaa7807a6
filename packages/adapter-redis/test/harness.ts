import type { Harness } from '@portolan/testkit';
import { inject } from 'vitest';
import { redisAdapter } from '../src/index.ts';

/** The Redis that `global-setup.ts` chose. */
export const redisUrl = (): string => inject('redisUrl');

export const redisHarness: Harness = {
  name: 'redis',
  time: 'real',
  open: ({ namespace, runtime }) => redisAdapter().open(redisUrl(), { namespace, runtime, deadlineMs: 2_000 }),
};
