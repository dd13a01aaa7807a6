/**
 * What waiting costs on SQLite: processor time of a process with one listener while nothing happens, and the time from a write in one process to the hint in
 * another, at rest (writes a quarter of a second apart) and one after the other. Run: `npx -y pnpm@12 bench sqlite-signals`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sqliteAdapter } from '@portolan/adapter-sqlite';
import { createRuntime } from '@portolan/core';

const IDLE_MS = 10_000;
const WRITES = 200;
const RETENTION = { count: 1_000, ms: 600_000, resumeMs: 600_000 };
const runtime = createRuntime();
const open = (file: string) =>
  sqliteAdapter().open(`sqlite:${file}`, { namespace: 'bench', runtime, deadlineMs: 10_000 });

/** The other process: writes when told, and tells the moment (ns, monotonic) of each. */
async function write(file: string): Promise<void> {
  const backend = await open(file);
  process.on('message', async (pauseMs: number) => {
    const sent: string[] = [];
    for (let n = 0; n < WRITES; n++) {
      if (pauseMs > 0) await runtime.sleep(pauseMs * (0.5 + Math.random()));
      sent.push(String(process.hrtime.bigint()));
      await backend.broadcast.append('t', [{ data: `${n}` }], RETENTION);
    }
    process.send?.(sent);
  });
  process.send?.([]);
}

async function measureDelay(writer: ChildProcess, hints: bigint[], pauseMs: number): Promise<string> {
  hints.length = 0;
  writer.send(pauseMs);
  const [sent] = (await once(writer, 'message')) as [string[]];
  await runtime.sleep(500);
  const delays = sent.map(BigInt).map((at) => Number((hints.find((hint) => hint >= at) ?? at) - at) / 1e6);
  delays.sort((a, b) => a - b);
  return [0.5, 0.99]
    .map((part) => `p${part * 100} ${delays[Math.floor(delays.length * part)]?.toFixed(2)} ms`)
    .join(', ');
}

async function listen(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-bench-'));
  const file = join(folder, 'bench.db');
  const backend = await open(file);
  const cpu = async (what: string) => {
    const before = process.cpuUsage();
    await runtime.sleep(IDLE_MS);
    const { user, system } = process.cpuUsage(before);
    const ms = (user + system) / 1_000;
    console.log(
      `${what}: ${ms.toFixed(0)} ms of processor time in ${IDLE_MS / 1_000} s (${((100 * ms) / IDLE_MS).toFixed(2)} %)`,
    );
  };
  await runtime.sleep(1_000);
  await cpu('nobody listens');
  const hints: bigint[] = [];
  const stop = await backend.broadcast.hint('t', () => hints.push(process.hrtime.bigint()));
  await cpu('one listener, nothing happens');
  const writer = fork(fileURLToPath(import.meta.url), [file]);
  await once(writer, 'message');
  console.log(`from write to hint, at rest: ${await measureDelay(writer, hints, 250)}`);
  console.log(`from write to hint, one write after the other: ${await measureDelay(writer, hints, 0)}`);
  writer.kill();
  await stop();
  await backend.close();
  rmSync(folder, { recursive: true });
}

const [file] = process.argv.slice(2);
await (file ? write(file) : listen());
