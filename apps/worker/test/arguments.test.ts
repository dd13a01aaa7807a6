import { expect, it } from 'vitest';
import { HELP, readArguments } from '../src/arguments.ts';

const config = { workerConcurrency: 50 };

it('flags say which queues and how many at a time; the environment says the latter otherwise', () => {
  expect(readArguments(config, [])).toEqual({ help: false, concurrency: 50 });
  const args = ['--queues', 'mail, pages,mail', '--concurrency=10000'];
  expect(readArguments(config, args)).toEqual({ help: false, concurrency: 10_000, queues: ['mail', 'pages'] });
  expect(readArguments(config, ['--help']).help).toBe(true);
  for (const flag of ['--queues', '--concurrency', '--help']) expect(HELP).toContain(flag);
});

it.each([
  ['--concurrency', '0'],
  ['--concurrency', '10001'],
  ['--concurrency', '-1'],
  ['--concurrency', '1.5'],
  ['--concurrency', '1e3'],
  ['--concurrency', ''],
  ['--queues', ''],
  ['--queues', ' , '],
  ['--queues', 'mail,no blanks'],
  ['--queues', `${'long'.repeat(40)}`],
  ['--queues', '-mail'],
])('refuses %s=%s in one line that names the flag and an example', (flag, value) => {
  expect(() => readArguments(config, [`${flag}=${value}`])).toThrow(
    expect.objectContaining({
      code: 'INVALID',
      message: expect.stringMatching(`^${flag}: .*; an example is ${flag} `),
    }),
  );
});

it('refuses what is no flag of its own', () => {
  expect(() => readArguments(config, ['--queue', 'mail'])).toThrow(/--queue/);
  expect(() => readArguments(config, ['mail'])).toThrow(/mail/);
});
