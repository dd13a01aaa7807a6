import { expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { openPlatform } from '../src/platform.ts';

it('tells what is wrong with BACKEND_URL in words of the store that it names', async () => {
  const refusal = (BACKEND_URL: string) =>
    openPlatform(readConfig({ BACKEND_URL }), 'test').then(
      () => '',
      (error: Error) => error.message,
    );
  expect(await refusal('sqlite:')).toBe(
    'BACKEND_URL: sqlite: needs the name of a file, as in sqlite:.data/portolan.db',
  );
  expect(await refusal('ftp://user:hunter2@host')).toBe(
    'BACKEND_URL: unknown scheme ftp:; known are memory:, redis:, rediss:, sqlite:; an example is BACKEND_URL=sqlite:.data/portolan.db',
  );
});
