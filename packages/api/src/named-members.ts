import { z } from 'zod';

/**
 * Refuses a member called `__proto__`, which zod leaves out of what it parses without a word: what cannot be stored must not be
 * answered as if it were.
 */
export function namedMembers<S extends z.ZodType>(schema: S) {
  return z.preprocess((value: z.input<S>, { issues }) => {
    if (typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__')) {
      issues.push({ code: 'custom', input: value, path: ['__proto__'], message: 'no name that a member can have' });
      return z.NEVER;
    }
    return value;
  }, schema);
}
