/** The layers of the queue on SQLite, each alone: the statements, the port, the worker. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { sqliteAdapter } from '@portolan/adapter-sqlite';
import {
  type Backend,
  createPortolan,
  createRuntime,
  defineJob,
  type ExchangeResult,
  handle,
  openBackend,
  type Schema,
} from '@portolan/core';
import { z } from 'zod';
import { compete, numberOf, Stopwatch } from '../harness/contender.ts';
import type { Figures, Task } from '../harness/contest.ts';
import { openPlain, Player, record, watchConnections } from '../harness/recording.ts';
import { VALUE } from '../harness/value.ts';
import { KEPT, RESULT } from './works.ts';

const BATCH = 50;
const CHUNK = 1_000;
const DAY_MS = 86_400_000;
const RETENTION = { completed: { count: KEPT, ms: DAY_MS }, failed: { count: KEPT, ms: DAY_MS } };
const ANY = { input: z.unknown(), output: z.unknown() };
const CHECKED = {
  input: z.object({ user: z.string(), action: z.string(), text: z.string() }),
  output: z.object({ ok: z.boolean(), bytes: z.number() }),
};

const fileOf = ({ folder }: Task) => join(folder, 'bench.db');
const open = (task: Task) => openBackend(`sqlite:${fileOf(task)}`, { adapters: [sqliteAdapter()], deadlineMs: 30_000 });
const jobOf = (schemas: { readonly input: Schema; readonly output: Schema }) =>
  defineJob({ name: 'job', queue: 'work', ...schemas });
/** A tenth of the jobs comes before what is counted. */
const uncountedOf = (jobs: number) => Math.ceil(jobs / 10 / BATCH) * BATCH;

async function fill(backend: Backend, jobs: number): Promise<void> {
  const { queue } = createPortolan(backend);
  const job = jobOf(ANY);
  for (let left = jobs; left > 0; left -= CHUNK) {
    await queue.enqueueMany(
      job,
      Array.from({ length: Math.min(left, CHUNK) }, () => ({ data: VALUE })),
    );
  }
}

/** Exchanges by hand, fifty jobs settled and fifty claimed in each. */
async function exchange({ queue }: Backend, jobs: number, between: (done: number) => void): Promise<void> {
  const session = createRuntime().id();
  let last: ExchangeResult['jobs'] = [];
  for (let done = 0; done <= jobs; done += BATCH) {
    const result = JSON.stringify(RESULT);
    const settled = last.map(({ id }) => ({ id, outcome: 'completed' as const, result }));
    const claim = done < jobs ? BATCH : 0;
    const request = { session, nonce: String(done), leaseMs: 60_000, settled, claim, retention: RETENTION };
    last = (await queue.exchange('work', request)).jobs;
    between(done);
  }
}

/** The statements of the exchanges, recorded and then run again on a copy of the file as it was before them. */
async function statements(task: Task): Promise<Figures> {
  const jobs = numberOf(task, 'jobs');
  const uncounted = uncountedOf(jobs);
  watchConnections();
  const filled = await open(task);
  await fill(filled, uncounted + jobs);
  await filled.close();
  const copy = join(task.folder, 'copy.db');
  copyFileSync(fileOf(task), copy);
  const backend = await open(task);
  const recording = record();
  let counted = 0;
  await exchange(backend, uncounted + jobs, (done) => {
    if (done === uncounted) counted = recording.calls.length;
  });
  recording.stop();
  await backend.close();
  const player = new Player(openPlain(copy));
  const watch = await new Stopwatch().ready();
  player.play(recording.calls.slice(0, counted));
  const rest = recording.calls.slice(counted);
  watch.start();
  player.play(rest);
  return watch.stop(jobs);
}

async function port(task: Task): Promise<Figures> {
  const jobs = numberOf(task, 'jobs');
  const uncounted = uncountedOf(jobs);
  const backend = await open(task);
  await fill(backend, uncounted + jobs);
  const watch = await new Stopwatch().ready();
  await exchange(backend, uncounted + jobs, (done) => {
    if (done === uncounted) watch.start();
  });
  return watch.stop(jobs);
}

async function worker(task: Task): Promise<Figures> {
  const jobs = numberOf(task, 'jobs');
  const uncounted = uncountedOf(jobs);
  const backend = await open(task);
  await fill(backend, uncounted + jobs);
  const watch = await new Stopwatch().ready();
  const figures = Promise.withResolvers<Figures>();
  let done = 0;
  const running = createPortolan(backend).worker({
    handlers: [handle(jobOf(layer === 'checked' ? CHECKED : ANY), async () => RESULT)],
    queues: ['work'],
    concurrency: BATCH,
    retention: RETENTION,
    onEvent: ({ type }) => {
      if (type !== 'completed') return;
      done += 1;
      if (done === uncounted) watch.start();
      if (done === uncounted + jobs) figures.resolve(watch.stop(jobs));
    },
  });
  running.start();
  return figures.promise;
}

const [layer] = process.argv.slice(2);
const layers = { statements, port, worker, checked: worker };
compete({ layers: layers[layer as keyof typeof layers] });
