import { expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { openPlatform } from '../src/platform.ts';

const refusalOf = (env: Record<string, string>) =>
  openPlatform(readConfig(env), 'test').then(
    () => '',
    (error: Error) => error.message,
  );

it('tells what is wrong with BACKEND_URL in words of the store that it names', async () => {
  const refusal = (BACKEND_URL: string) => refusalOf({ BACKEND_URL });
  expect(await refusal('sqlite:')).toBe(
    'BACKEND_URL: sqlite: needs the name of a file, as in sqlite:.data/portolan.db',
  );
  expect(await refusal('ftp://user:hunter2@host')).toBe(
    'BACKEND_URL: unknown scheme ftp:; known are memory:, redis:, rediss:, sqlite:; an example is BACKEND_URL=sqlite:.data/portolan.db',
  );
});

it('tells of the variable that the URL is from', async () => {
  expect(await refusalOf({ REDIS_URL: 'ftp://user:hunter2@host' })).toBe(
    'REDIS_URL: unknown scheme ftp:; known are memory:, redis:, rediss:, sqlite:; an example is REDIS_URL=redis://127.0.0.1:6379',
  );
  expect(await refusalOf({ REDIS_URL: 'redis://127.0.0.1:99999' })).toMatch(/^REDIS_URL: /);
});
