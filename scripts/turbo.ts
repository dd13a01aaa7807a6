import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs turbo as this repository wants it: with the whole environment, and without telemetry. Answers its exit code and output. */
export async function turbo(
  args: readonly string[],
  output: 'shown' | 'collected',
): Promise<{ readonly code: number; readonly text: string }> {
  const program = createRequire(import.meta.url).resolve('turbo/bin/turbo');
  const child = spawn(process.execPath, [program, ...args], {
    cwd: root,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', output === 'shown' ? 'inherit' : 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, text }));
  });
}

if (import.meta.main) process.exitCode = (await turbo(process.argv.slice(2), 'shown')).code;
