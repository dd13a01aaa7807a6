import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A program beside this file in a process of its own. It speaks in lines on its standard output. */
export interface Peer {
  readonly process: ChildProcess;
  /** Every line so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line, rejects when it ends without one. */
  readonly ready: Promise<string>;
  /** Resolves once it has ended and every line is read; answers the exit code, null after a signal. */
  readonly ended: Promise<number | null>;
}

const folders = new Set<string>();
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-sqlite-'));
  folders.add(folder);
  return folder;
}

/** A file name in a folder of its own, removed when this process ends. */
export const temporaryFile = (): string => join(temporaryFolder(), 'portolan.db');

/** Peers share what the first of them compiled: most of their start is compiling. One that will be killed flushes it itself. */
const compiled = temporaryFolder();

export function startPeer(program: string, args: readonly string[]): Peer {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL(program, import.meta.url)), ...args],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_COMPILE_CACHE: compiled } },
  );
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  reader.on('line', (line) => void lines.push(line));
  const ended = Promise.all([once(child, 'exit'), once(reader, 'close')]).then(([[code]]) => code as number | null);
  const first = once(reader, 'line').then(([line]) => String(line));
  const ready = Promise.race([
    first,
    ended.then((code) => lines[0] ?? Promise.reject(new Error(`${program} ended with ${code}`))),
  ]);
  ready.catch(() => undefined);
  return { process: child, lines, ready, ended };
}
