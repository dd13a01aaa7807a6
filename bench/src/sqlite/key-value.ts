/** Sets and gets of a file's keys: by plain `node:sqlite` with the adapter's own statements, through the port, through KeyValue. */
import { join } from 'node:path';
import { sqliteAdapter } from '@portolan/adapter-sqlite';
import { type Backend, createKeyValue, createRuntime, openBackend } from '@portolan/core';
import { compete, measureCalls, numberOf, Stopwatch, type Work } from '../harness/contender.ts';
import type { Figures, Task } from '../harness/contest.ts';
import { openPlain, type Recorded, record, watchConnections } from '../harness/recording.ts';
import { VALUE } from '../harness/value.ts';

const KEYS = 10_000;
const TEXT = JSON.stringify(VALUE);
const BATCH = 100;

const keyOf = (n: number) => `k${(n < 0 ? -n : n) % KEYS}`;
const fileOf = ({ folder }: Task) => join(folder, 'bench.db');

async function open(task: Task): Promise<Backend> {
  const backend = await openBackend(`sqlite:${fileOf(task)}`, { adapters: [sqliteAdapter()], deadlineMs: 30_000 });
  for (let at = 0; at < KEYS; at += 500) {
    const ops = Array.from({ length: 500 }, (_, n) => set(keyOf(at + n)));
    await backend.keyValue.commit([], ops);
  }
  return backend;
}

const set = (key: string) => ({ op: 'set' as const, key, value: TEXT, expiresAt: null });

/** By so many callers. */
const calls =
  (callOf: (backend: Backend) => (n: number) => Promise<unknown>): Work =>
  async (task) =>
    measureCalls(new Stopwatch(), numberOf(task, 'callers'), numberOf(task, 'calls'), callOf(await open(task)));

interface Plain {
  begin(): void;
  commit(): void;
  set(n: number, text: string): void;
  get(n: number): string;
}

/** A connection set up as the adapter's, and the one statement by which it sets and the one by which it gets. */
async function openAsAdapter(task: Task): Promise<Plain> {
  watchConnections();
  const backend = await open(task);
  const recording = record();
  await backend.keyValue.commit([], [set(keyOf(0))]);
  await backend.keyValue.read([keyOf(0)], { as: 'text' });
  recording.stop();
  await backend.close();
  const [setter, getter, ...more] = recording.calls as readonly (Recorded | undefined)[];
  if (setter?.method !== 'run' || getter?.method !== 'get' || more.length > 0) {
    throw new Error('the adapter no longer sets by one statement and gets by one: tell the benchmark how it does');
  }
  const database = openPlain(fileOf(task));
  const begin = database.prepare('BEGIN');
  const commit = database.prepare('COMMIT');
  const write = database.prepare(setter.sql);
  const read = database.prepare(getter.sql);
  read.setReturnArrays(getter.arrays);
  const [namespace] = setter.values as [number];
  return {
    begin: () => void begin.run(),
    commit: () => void commit.run(),
    set: (n, text) => void write.run(namespace, keyOf(n), null, text),
    get: (n) => (read.get(namespace, keyOf(n)) as unknown as [string])[0],
  };
}

/** A loop without a promise, in transactions of so many calls; a tenth comes first and is not counted. */
const loop =
  (batch: number, callOf: (plain: Plain) => (n: number) => unknown): Work =>
  async (task): Promise<Figures> => {
    const plain = await openAsAdapter(task);
    const call = callOf(plain);
    const run = (total: number) => {
      for (let at = 0; at < total; at += batch) {
        if (batch > 1) plain.begin();
        for (let n = at; n < at + batch; n += 1) call(n);
        if (batch > 1) plain.commit();
      }
    };
    const total = Math.ceil(numberOf(task, 'calls') / batch) * batch;
    run(total / 10);
    const watch = await new Stopwatch().ready();
    watch.start();
    run(total);
    return watch.stop(total);
  };

const runtime = createRuntime();
const ways: Readonly<Record<string, Readonly<Record<'set' | 'get', Work>>>> = {
  batches: {
    set: loop(BATCH, (plain) => (n) => plain.set(n, TEXT)),
    get: loop(BATCH, (plain) => (n) => plain.get(n)),
  },
  text: {
    set: loop(1, (plain) => (n) => plain.set(n, TEXT)),
    get: loop(1, (plain) => (n) => plain.get(n)),
  },
  json: {
    set: loop(1, (plain) => (n) => plain.set(n, JSON.stringify(VALUE))),
    get: loop(1, (plain) => (n) => JSON.parse(plain.get(n))),
  },
  port: {
    set: calls(
      ({ keyValue }) =>
        (n) =>
          keyValue.commit([], [set(keyOf(n))]),
    ),
    get: calls(
      ({ keyValue }) =>
        (n) =>
          keyValue.read([keyOf(n)], { as: 'text' }),
    ),
  },
  core: {
    set: calls(({ keyValue: port }) => {
      const keyValue = createKeyValue({ port, runtime });
      return (n) => keyValue.set(keyOf(n), VALUE);
    }),
    get: calls(({ keyValue: port }) => {
      const keyValue = createKeyValue({ port, runtime });
      return (n) => keyValue.get(keyOf(n));
    }),
  },
};

compete(ways[process.argv[2] ?? ''] ?? {});
