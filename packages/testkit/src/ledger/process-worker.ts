import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { LedgerWorker } from './run-ledger.ts';

export interface ProcessCommand {
  /** A program for Node that starts a ledger worker, says `ready` on its output, and stops gracefully at SIGTERM. */
  readonly program: string;
  readonly args: readonly string[];
}

/** A ledger worker in a process of its own. */
export async function processWorker(name: string, { program, args }: ProcessCommand): Promise<LedgerWorker> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
  };
  await Promise.race([
    once(child.stdout, 'data'),
    exited.then(() => Promise.reject(new Error(`ledger worker ${name} ended at once`))),
  ]);
  return {
    name,
    kill: () => end('SIGKILL'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: () => end('SIGTERM'),
  };
}
