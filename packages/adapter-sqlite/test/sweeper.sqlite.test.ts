import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { silentLogger } from '@portolan/core';
import { createManualRuntime, type ManualRuntime } from '@portolan/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Engine } from '../src/engine.ts';
import { sqliteAdapter } from '../src/index.ts';
import { Sweeper } from '../src/sweeper.ts';
import { temporaryFile } from './process-kit.ts';

let file = '';
let runtime: ManualRuntime;
let closing: (() => void)[] = [];
beforeEach(() => {
  file = temporaryFile();
  runtime = createManualRuntime();
});
afterEach(() => {
  for (const close of closing) close();
  closing = [];
});

/** A process that sweeps a heap of so many rows, which is only its own. */
function connect(heap = 0) {
  const engine = new Engine({ path: file, synchronous: 'normal' }, runtime, 5_000);
  const sweeper = new Sweeper(engine, runtime);
  const state = { left: heap, steps: [] as number[] };
  sweeper.add((limit) => {
    const swept = Math.min(limit, state.left);
    state.steps.push(limit);
    state.left -= swept;
    return swept;
  });
  closing.push(() => {
    sweeper.stop();
    engine.close();
  });
  return { engine, sweeper, state };
}

it('exactly one process sweeps, and goes on as long as it comes', async () => {
  const all = [connect(), connect(), connect()];
  for (let round = 0; round < 10; round++) {
    const had = await Promise.all(all.map(({ sweeper }) => sweeper.round()));
    expect(had).toEqual([true, false, false]);
    await runtime.advance(2_000);
  }
  expect(all.map(({ state }) => state.steps.length)).toEqual([10, 0, 0]);
});

it('the duty moves when its holder is silent, and the old holder stays off', async () => {
  const [first, second] = [connect(), connect()];
  expect(await first.sweeper.round()).toBe(true);
  await runtime.advance(5_999);
  expect(await second.sweeper.round()).toBe(false);
  await runtime.advance(1);
  expect(await second.sweeper.round()).toBe(true);
  expect(await first.sweeper.round()).toBe(false);
  expect(first.state.steps).toHaveLength(1);
});

it('a process that lost the duty in the middle of a round stops there', async () => {
  const { engine, sweeper } = connect();
  let steps = 0;
  sweeper.add((limit) => {
    steps++;
    // What another process does while this one stands still for longer than its duty lasts.
    if (steps === 3) engine.sql("UPDATE duty SET holder = 'other'").run();
    return limit;
  });
  expect(await sweeper.round()).toBe(false);
  expect(steps).toBe(3);
});

it('a duty from a clock that has gone back since is taken', async () => {
  const { engine, sweeper } = connect();
  const far = runtime.clock.now() + 3_600_000;
  await engine.write(() => engine.sql("INSERT INTO duty VALUES ('sweep', 'gone', ?)").run(far));
  expect(await sweeper.round()).toBe(true);
});

it('steps are bounded and end with the heap; another sweep has its turn', async () => {
  const { sweeper, state } = connect(5_000);
  const second: number[] = [];
  sweeper.add((limit) => second.push(limit) && 0);
  expect(await sweeper.round()).toBe(true);
  expect(state.left).toBe(0);
  expect(Math.max(...state.steps)).toBeLessThanOrEqual(500);
  expect(second).toHaveLength(1);
});

it('slow rows make small steps', async () => {
  const { engine, sweeper } = connect();
  const steps: number[] = [];
  let left = 300;
  sweeper.add((limit) => {
    steps.push(limit);
    const until = performance.now() + Math.min(limit, left);
    while (performance.now() < until);
    left -= Math.min(limit, left);
    return left > 0 ? limit : 0;
  });
  await sweeper.round();
  expect(Math.max(...steps.slice(1))).toBeLessThanOrEqual(5);
  expect(engine.closed).toBe(false);
});

it('a sweep that fails is told once, and the others have their turn', async () => {
  const warned: unknown[] = [];
  runtime = { ...runtime, logger: { ...silentLogger, warn: (fields) => void warned.push(fields) } };
  const { sweeper } = connect();
  let fails = true;
  let later = 0;
  sweeper.add(() => {
    if (fails) throw new Error('no');
    return 0;
  });
  sweeper.add(() => {
    later++;
    return 0;
  });
  sweeper.start();
  const rounds = async (count: number) => {
    const until = later + count;
    while (later < until) await runtime.advance(2_000);
  };
  await rounds(3);
  expect(warned).toHaveLength(1);
  fails = false;
  await rounds(2);
  fails = true;
  await rounds(2);
  expect(warned).toHaveLength(2);
});

it('takes the duty by a clock that tells parts of milliseconds', async () => {
  runtime = { ...runtime, clock: { now: () => 1_700_000_000_000.25 } };
  expect(await connect().sweeper.round()).toBe(true);
});

it('a large file is small within minutes of rounds, each of which gives back a part', async () => {
  const { engine, sweeper } = connect();
  const pages = () => Number(engine.sql('PRAGMA page_count').get()?.page_count);
  await engine.write(() => {
    engine.sql("INSERT INTO namespace (name) VALUES ('n')").run();
    for (let at = 0; at < 100; at++)
      engine.sql('INSERT INTO key_value (namespace, key, value) VALUES (1, ?, zeroblob(1000000))').run(`k${at}`);
  });
  await engine.write(() => engine.sql('DELETE FROM key_value').run());
  const full = pages();
  expect(engine.freePages()).toBeGreaterThan(24_000);
  await sweeper.round();
  expect(full - pages()).toBeGreaterThan(700);
  expect(full - pages()).toBeLessThan(1_500);
  let rounds = 1;
  for (; engine.freePages() > 0 && rounds < 200; rounds++) await sweeper.round();
  // Two seconds each.
  expect(rounds).toBeLessThan(120);
  expect(statSync(file).size).toBe(pages() * 4_096);
});

it('a log that has grown too large is cut off, unless a reader needs it', async () => {
  const { engine } = connect();
  const log = () => statSync(`${file}-wal`).size;
  await engine.write(() => engine.sql("INSERT INTO namespace (name) VALUES ('n')").run());
  const reader = new DatabaseSync(file);
  reader.exec('BEGIN; SELECT * FROM namespace');
  reader.prepare('SELECT * FROM namespace').all();
  const insert = "INSERT OR REPLACE INTO key_value (namespace, key, value) VALUES (1, 'k', zeroblob(3000000))";
  await engine.write(() => engine.sql(insert).run());
  expect(await engine.trimLog(1_000_000)).toBe(false);
  expect(log()).toBeGreaterThan(3_000_000);
  reader.exec('COMMIT');
  expect(await engine.trimLog(4_000_000)).toBe(true);
  expect(log()).toBeGreaterThan(3_000_000);
  expect(await engine.trimLog(1_000_000)).toBe(true);
  expect(log()).toBe(0);
  await engine.write(() => engine.sql(insert).run());
  reader.close();
});

it('a file at rest is not written to in every round', async () => {
  const { sweeper } = connect();
  const watcher = new Engine({ path: file, synchronous: 'normal' }, runtime, 5_000);
  closing.push(() => watcher.close());
  const versions = new Set<number>();
  for (let round = 0; round < 12; round++) {
    await sweeper.round();
    versions.add(watcher.dataVersion());
    await runtime.advance(1_000);
  }
  expect(versions.size).toBeLessThanOrEqual(4);
});

it('backends sweep by themselves: what expired leaves the file, whichever of them is left, and the file shrinks', async () => {
  const open = () => sqliteAdapter().open(`sqlite:${file}`, { namespace: 'n', runtime, deadlineMs: 5_000 });
  const [first, second] = [await open(), await open()];
  const { engine } = connect();
  const pages = () => Number(engine.sql('PRAGMA page_count').get()?.page_count);
  const rows = () => Number(engine.sql('SELECT count(*) AS n FROM key_value').get()?.n);
  const fill = async () => {
    const expiresAt = runtime.clock.now() + 1_000;
    for (let at = 0; at < 100; at++) {
      await second.keyValue.commit([], [{ op: 'set', key: `k${at}`, value: 'x'.repeat(8_000), expiresAt }]);
    }
  };
  const swept = async () => {
    for (let waited = 0; rows() > 0 && waited < 20_000; waited += 500) {
      await runtime.advance(500);
      await engine.write(() => undefined);
    }
    return rows();
  };
  await fill();
  const full = pages();
  expect(rows()).toBe(100);
  expect(await swept()).toBe(0);
  await first.close();
  await fill();
  expect(await swept()).toBe(0);
  for (let round = 0; round < 10; round++) {
    await runtime.advance(2_000);
    await engine.write(() => undefined);
  }
  expect(pages()).toBeLessThan(full / 2);
  await second.close();
});
