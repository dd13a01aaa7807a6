import { defineJob } from '@portolan/core';
import { z } from 'zod';

export const compute = defineJob({
  name: 'compute',
  input: z.object({ what: z.string(), file: z.string().optional(), at: z.coerce.date().optional() }),
  output: z.unknown(),
  attempts: 2,
  backoff: { kind: 'fixed', delayMs: 0 },
});
