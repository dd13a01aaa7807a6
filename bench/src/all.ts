/**
 * Every comparison with a peer, one after the other, and docs/benchmarks.md from their figures. Run: `npx -y pnpm@12 bench [--rounds N]`; `--quick` measures little
 * and writes nothing unless `--write` is given too. `--results FOLDER` keeps the figures there, and does not measure again what is there already.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Result } from './harness/contest.ts';
import { reportOf } from './harness/report.ts';

/** Processes that want to run, beyond which the benchmarks were disturbed. */
const BUSY = 4;
const SUITES = ['queue', 'sqlite', 'key-value', 'cache', 'limiter', 'broadcast', 'http'];

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    results: { type: 'string' },
  },
});
const { quick, write } = values;
const rounds = values.rounds ?? (quick ? '3' : '5');
const folder = values.results ?? mkdtempSync(join(tmpdir(), 'portolan-bench-'));
if (values.results) mkdirSync(values.results, { recursive: true });
const suites = new Map<string, readonly Result[]>();

try {
  for (const name of SUITES) {
    const json = join(folder, `${name}.json`);
    const args = ['--rounds', rounds, '--json', json, ...(quick ? ['--quick'] : [])];
    const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
    if (!existsSync(json)) {
      const { status } = spawnSync(process.execPath, [...process.execArgv, file, ...args], { stdio: 'inherit' });
      if (status !== 0) throw new Error(`bench ${name} ended with ${status}`);
    }
    suites.set(name, JSON.parse(readFileSync(json, 'utf8')));
  }
} finally {
  if (!values.results) rmSync(folder, { recursive: true, force: true });
}

const load = loadavg()[2] ?? 0;
if (write || !quick) {
  const file = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));
  writeFileSync(file, reportOf(suites, { facts: facts(), rounds: Number(rounds), quick, busy: load > BUSY }));
  console.log('docs/benchmarks.md is written');
}

function facts(): [string, string][] {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const redis = spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout.match(/v=([\d.]+)/)?.[1];
  return [
    ['Processors', `${availableParallelism()}, ${cpu?.model ?? 'unknown'}, ${memory} GiB of memory`],
    ['System', `${type()} ${release()}`],
    ['Node', `${process.versions.node}, with SQLite ${process.versions.sqlite}`],
    ['Redis', redis ?? 'unknown'],
    ['Peers', peers().join(', ')],
    ['Day', new Date().toISOString().slice(0, 10)],
    ['Processes that wanted to run, last quarter of an hour', `${load.toFixed(1)} (the benchmarks want about 2)`],
  ];
}

function peers(): string[] {
  const { devDependencies } = readPackage(new URL('../package.json', import.meta.url));
  const ioredis = createRequire(import.meta.url).resolve('ioredis/package.json');
  const known = { ...devDependencies, ioredis: readPackage(ioredis).version };
  return Object.entries(known)
    .filter(([name, version]) => /^\d/.test(version ?? '') && !name.startsWith('@types/'))
    .map(([name, version]) => `${name} ${version}`);
}

function readPackage(file: string | URL): { version?: string; devDependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(file, 'utf8'));
}
