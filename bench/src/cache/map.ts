/** No cache at all, only what one cannot do without: a map behind an async function. Every caller gets the same object. */
import { competeWithCalls } from '../harness/contender.ts';
import { VALUE } from '../harness/value.ts';
import { keyOf } from './keys.ts';

competeWithCalls(
  ['hit'],
  async () => {
    const entries = new Map<string, { readonly value: typeof VALUE; readonly expiresAt: number }>();
    return async (n) => {
      const entry = entries.get(keyOf(n));
      if (entry && entry.expiresAt > Date.now()) return entry.value;
      entries.set(keyOf(n), { value: VALUE, expiresAt: Date.now() + 3_600_000 });
      return VALUE;
    };
  },
  { onRedis: false },
);
