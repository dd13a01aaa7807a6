import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type PrivateRedis, startPrivateRedis } from '@portolan/testkit/redis-server';
import { Redis } from 'ioredis';
import type { Contender, Contest, Figures, Result, Task } from './contest.ts';
import { formatResult } from './table.ts';

/** How much is measured. */
export interface Size {
  /** A short run shows that everything works and gives a first impression. */
  readonly quick: boolean;
  /** The number for a whole run, or for a short one. */
  of(whole: number, quick: number): number;
}

/**
 * Runs contests one after the other and prints them. In each round every contender runs once, the one that begins changing with the round, each time in a process
 * of its own. Arguments: `--quick`, `--rounds N`, `--only TEXT` (of the title), `--json FILE`.
 */
export async function runSuite(contestsOf: (size: Size) => readonly Contest[]): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string', default: '' },
      json: { type: 'string' },
    },
  });
  const { quick } = values;
  const rounds = Number(values.rounds ?? (quick ? 3 : 5));
  const only = values.only.toLowerCase();
  const contests = contestsOf({ quick, of: (whole, short) => (quick ? short : whole) });
  const redis = await startPrivateRedis();
  const results: Result[] = [];
  try {
    for (const contest of contests) {
      if (!contest.title.toLowerCase().includes(only)) continue;
      const result = await runContest(contest, rounds, redis);
      results.push(result);
      console.log(`${formatResult(result)}\n`);
    }
  } finally {
    await redis.close();
  }
  if (values.json) writeFileSync(values.json, JSON.stringify(results));
}

async function runContest(contest: Contest, rounds: number, redis: PrivateRedis): Promise<Result> {
  const figures: Record<string, Figures[]> = Object.fromEntries(contest.contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < contest.contenders.length; at += 1) {
      const contender = contest.contenders[(round + at) % contest.contenders.length] as Contender;
      tell(`${contest.title}: round ${round + 1}, ${contender.name}`);
      figures[contender.name]?.push(await runContender(contest, contender, redis));
    }
  }
  tell('');
  return { contest, rounds: figures };
}

/** What is under way, for a person who watches. */
function tell(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\x1b[K`);
}

async function runContender(contest: Contest, contender: Contender, redis: PrivateRedis): Promise<Figures> {
  const control = new Redis(redis.url);
  await control.flushall();
  control.disconnect();
  const folder = mkdtempSync(join(tmpdir(), 'portolan-bench-'));
  const module = fileURLToPath(new URL(`../${contender.module}.ts`, import.meta.url));
  const parameters = { ...contest.parameters, ...contender.parameters };
  const task: Task = { work: contest.work, redisUrl: redis.url, folder, parameters };
  try {
    return await askChild(module, contender.arguments ?? [], task);
  } catch (cause) {
    throw new Error(`${contest.title}: ${contender.name} failed`, { cause });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A run that takes longer hangs. */
const LIMIT_MS = 15 * 60_000;

/** Answers what the child tells, once it has ended. */
function askChild(module: string, args: readonly string[], task: Task): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const child = fork(module, [...args], { execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'] });
    const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    let figures: Figures | undefined;
    child.on('message', (message) => {
      figures = message as Figures;
      child.kill('SIGKILL');
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(limit);
      if (figures) resolve(figures);
      else reject(new Error(`ended with ${code ?? signal} and without figures`));
    });
    child.send(task);
  });
}
