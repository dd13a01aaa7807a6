import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('a process that waits for nothing but a handler to be closed ends behind that', async () => {
  const script = fileURLToPath(new URL('./close.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  expect(stdout).toBe('closed\n');
});
