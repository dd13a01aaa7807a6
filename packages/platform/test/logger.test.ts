import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const index = fileURLToPath(new URL('../src/index.ts', import.meta.url));

it('writes JSON lines with the process id, without secrets, and changes its level at run time', async () => {
  const script = `
    import { createLogger } from ${JSON.stringify(index)};
    const logger = createLogger('info', { role: 'test' });
    logger.debug({}, 'too quiet');
    logger.info({ password: 'hunter2', deep: { token: 'hunter2' }, kept: 1 }, 'hello');
    logger.level = 'debug';
    logger.debug({}, 'now heard');
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map((line) => line.msg)).toEqual(['hello', 'now heard']);
  expect(lines[0]).toMatchObject({
    level: 'info',
    role: 'test',
    kept: 1,
    password: '(hidden)',
    deep: { token: '(hidden)' },
  });
  expect(typeof lines[0].pid).toBe('number');
  expect(stdout).not.toContain('hunter2');
});
