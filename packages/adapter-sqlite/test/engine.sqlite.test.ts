import { DatabaseSync } from 'node:sqlite';
import { createRuntime, type Logger, PortolanError, silentLogger } from '@portolan/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Engine } from '../src/engine.ts';
import { temporaryFile } from './process-kit.ts';

let file = '';
let engine: Engine;
let logged: string[] = [];
beforeEach(async () => {
  file = temporaryFile();
  logged = [];
  const logger: Logger = { ...silentLogger, error: (_, message) => void logged.push(message) };
  engine = await Engine.open({ path: file, synchronous: 'normal' }, createRuntime({ logger }), 5_000);
  await engine.write(() => engine.sql("INSERT INTO namespace (name) VALUES ('n')").run());
});
afterEach(() => engine.close());

/** Rows of a table that any transaction may write. */
const put = (key: string) => engine.sql('INSERT INTO counter (namespace, key, value) VALUES (1, ?, 0)').run(key);
const keys = () =>
  engine.read(() =>
    engine
      .sql('SELECT key FROM counter ORDER BY key')
      .all()
      .map((row) => row.key),
  );
const settle = (all: Promise<unknown>[]) => Promise.allSettled(all).then((some) => some.map((one) => one.status));

it('the writes of a tick share commits, in their order, and each gets its own answer', async () => {
  const watcher = new DatabaseSync(file);
  const version = () => watcher.prepare('PRAGMA data_version').get()?.data_version;
  const before = Number(version());
  const transaction = engine.transaction;
  const order: number[] = [];
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, at) =>
      engine.write(() => {
        put(`k${at}`);
        order.push(at);
        return at;
      }),
    ),
  );
  expect(answers).toEqual(Array.from({ length: 200 }, (_, at) => at));
  expect(order).toEqual(answers);
  expect(Number(version())).toBeGreaterThan(before);
  // One, unless a pause of the process used up a turn of 5 ms.
  expect(engine.transaction - transaction).toBeLessThanOrEqual(20);
  watcher.close();
});

it('callers that write one after another share commits with each other', async () => {
  const before = engine.transaction;
  await Promise.all(
    Array.from({ length: 20 }, async (_, caller) => {
      for (let at = 0; at < 5; at++) await engine.write(() => put(`${caller}.${at}`));
    }),
  );
  // Five rounds, unless a pause of the process used up a turn of 5 ms.
  expect(engine.transaction - before).toBeLessThanOrEqual(20);
});

it('a write that throws takes nothing of the others with it and leaves nothing of its own', async () => {
  const refused = new PortolanError('CONFLICT', 'no');
  const failing = (key: string) =>
    engine.write(() => {
      put(key);
      throw refused;
    });
  const answers = await settle([
    engine.write(() => put('a')),
    failing('b'),
    engine.write(() => put('c')),
    failing('d'),
    failing('e'),
    engine.write(() => put('f')),
  ]);
  expect(answers).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'rejected', 'fulfilled']);
  expect(await keys()).toEqual(['a', 'c', 'f']);
  await expect(failing('g')).rejects.toBe(refused);
});

it('a batch is run twice at most, however many of its writes throw', async () => {
  let runs = 0;
  const answers = await settle(
    Array.from({ length: 100 }, (_, at) =>
      engine.write(() => {
        runs++;
        put(`k${at}`);
        if (at % 2) throw new Error('no');
      }),
    ),
  );
  expect(answers.filter((one) => one === 'fulfilled')).toHaveLength(50);
  expect(await keys()).toHaveLength(50);
  expect(runs).toBeLessThanOrEqual(200);
});

it('effects run once, before the caller hears of the commit, and only those of writes that were committed', async () => {
  const effects: string[] = [];
  const write = (name: string, fail: boolean) =>
    engine.write(() => {
      put(name);
      engine.after(() => effects.push(name));
      if (fail) throw new Error('no');
    });
  const first = write('a', false).then(() => [...effects]);
  await settle([first, write('b', true), write('c', false), write('d', true)]);
  expect(effects).toEqual(['a', 'c']);
  expect(await first).toEqual(['a', 'c']);
});

it('an effect that throws is logged and harms no caller', async () => {
  const broken = engine.write(() => {
    engine.after(() => {
      throw new Error('broken');
    });
    return 1;
  });
  const other = engine.write(() => 2);
  expect(await Promise.all([broken, other])).toEqual([1, 2]);
  expect(logged).toHaveLength(1);
});

it('a transaction that is tried again has another number, so that what a rolled back write remembered of it is not relied on', async () => {
  const seen: number[] = [];
  await settle([
    engine.write(() => {
      seen.push(engine.transaction);
      throw new Error('no');
    }),
    engine.write(() => seen.push(engine.transaction)),
  ]);
  expect(new Set(seen).size).toBe(seen.length);
});

it('one statement alone is tried without a transaction, and left to one when it cannot do it all', async () => {
  const before = engine.transaction;
  const whole = () => engine.sql('SELECT count(*) AS n FROM counter').get()?.n;
  expect(await engine.write(whole, () => 'alone')).toBe('alone');
  expect(engine.transaction).toBe(before);
  expect(await engine.write(whole, () => undefined)).toBe(0);
  const failing = () => {
    throw new Error('no');
  };
  expect(await engine.write(whole, failing)).toBe(0);
  const three = Array.from({ length: 3 }, () =>
    engine.write(
      () => 'together',
      () => 'alone',
    ),
  );
  // The first may have been served within its call, as the next of one caller.
  expect((await Promise.all(three)).slice(1)).toEqual(['together', 'together']);
});

it('reads called together get their own answers, and one that throws harms no other', async () => {
  const reads = Array.from({ length: 10 }, (_, at) =>
    engine.read(() => {
      if (at % 2) throw new PortolanError('NOT_FOUND', 'no');
      return at;
    }),
  );
  const settled = await Promise.allSettled(reads);
  expect(settled.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code))).toEqual(
    Array.from({ length: 10 }, (_, at) => (at % 2 ? 'NOT_FOUND' : at)),
  );
});

it('a snapshot sees one state, whatever is written meanwhile, alone and beside other reads', async () => {
  const other = new DatabaseSync(file, { timeout: 1_000 });
  const count = () => Number(engine.sql('SELECT count(*) AS n FROM counter').get()?.n);
  const twice = () => {
    const seen = count();
    other.exec(`INSERT INTO counter (namespace, key, value) VALUES (1, '${Math.random()}', 0)`);
    return [seen, count()];
  };
  expect(await engine.snapshot(twice)).toEqual([0, 0]);
  const [, [first, second] = []] = await Promise.all([engine.read(count), engine.snapshot(twice), engine.read(count)]);
  expect([first, second]).toEqual([1, 1]);
  expect(await engine.read(count)).toBe(2);
  other.close();
});

it('a read comes behind the writes that were awaited, on every connection', async () => {
  const second = await Engine.open({ path: file, synchronous: 'normal' }, createRuntime(), 5_000);
  for (let at = 0; at < 50; at++) {
    await engine.write(() => put(`k${at}`));
    const count = () => second.sql('SELECT count(*) AS n FROM counter').get()?.n;
    expect(await second.read(count)).toBe(at + 1);
  }
  second.close();
});

it('long series of reads and of writes leave the event loop its turns', async () => {
  let turns = 0;
  let running = true;
  const turn = () => {
    turns++;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  const until = performance.now() + 100;
  while (performance.now() < until) await engine.read(() => 1);
  const read = turns;
  while (performance.now() < until + 100) await engine.write(() => 1);
  running = false;
  expect(read).toBeGreaterThan(3);
  expect(turns - read).toBeGreaterThan(3);
});

it('after the close every call is UNAVAILABLE, and so are those that were waiting', async () => {
  const waiting = [engine.write(() => 1), engine.read(() => 1), engine.snapshot(() => 1)];
  engine.close();
  engine.close();
  for (const call of [...waiting, engine.write(() => 1), engine.read(() => 1)]) {
    await expect(call).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
  }
});
