import type { Harness } from '@portolan/testkit';
import { inject } from 'vitest';
import { redisAdapter } from '../src/index.ts';

/** The Redis that `global-setup.ts` chose; without one no case runs. */
export function redisUrl(): string {
  const url = inject('redisUrl');
  if (url === null) throw new Error('no Redis was chosen for this run');
  return url;
}

export const redisHarness: Harness = {
  name: 'redis',
  time: 'real',
  open: ({ namespace, runtime }) => redisAdapter().open(redisUrl(), { namespace, runtime, deadlineMs: 2_000 }),
};
