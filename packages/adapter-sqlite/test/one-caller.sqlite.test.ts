import { DatabaseSync } from 'node:sqlite';
import { createRuntime } from '@portolan/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Engine } from '../src/engine.ts';
import { temporaryFile } from './process-kit.ts';

let engine: Engine;
let rival: DatabaseSync;
beforeEach(async () => {
  const path = temporaryFile();
  engine = await Engine.open({ path, synchronous: 'normal' }, createRuntime(), 5_000);
  await engine.write(() => engine.sql("INSERT INTO namespace (name) VALUES ('n')").run());
  rival = new DatabaseSync(path);
});
afterEach(() => {
  engine.close();
  rival.close();
});

let written = 0;
const rows = () => engine.sql('SELECT count(*) AS n FROM counter').get()?.n as number;

type Call = (mark: () => void) => Promise<unknown>;
/** By one statement where nobody else comes. */
const write: Call = (mark) => {
  const put = () => {
    engine.sql('INSERT INTO counter (namespace, key, value) VALUES (1, ?, 0)').run(`${written++}`);
    mark();
    return written;
  };
  return engine.write(put, put);
};
const read: Call = (mark) =>
  engine.read(() => {
    mark();
    return rows();
  });

/** Calls, each behind the one before, until one has done its work when it returns. */
async function untilAtOnce(call: Call): Promise<void> {
  for (let calls = 0; calls < 1_000; calls++) {
    let done = false;
    const answer = call(() => {
      done = true;
    });
    const atOnce = done;
    await answer;
    if (atOnce) return;
  }
  throw new Error('every call waited');
}

describe.each([
  ['writes', write],
  ['reads', read],
])('%s of one caller', (_, call) => {
  it('are served within the call, and those of several together again', async () => {
    await untilAtOnce(call);
    let done = 0;
    const answers = Array.from({ length: 50 }, () => call(() => done++));
    expect(done).toBeLessThanOrEqual(1);
    await Promise.all(answers);
    expect(done).toBe(50);
  });

  it('leave the event loop its turns', async () => {
    await untilAtOnce(call);
    let rung = false;
    setTimeout(() => {
      rung = true;
    }, 20);
    for (let calls = 0; !rung && calls < 1_000_000; calls++) await call(() => undefined);
    expect(rung).toBe(true);
  });
});

it('a write of one caller that meets a lock waits for it as any other', async () => {
  await untilAtOnce(write);
  const before = rows();
  rival.exec('BEGIN IMMEDIATE');
  let answered = false;
  const answer = write(() => undefined).then(() => {
    answered = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(answered).toBe(false);
  rival.exec('COMMIT');
  await answer;
  expect(rows()).toBe(before + 1);
});

it('a read of one caller that throws is refused with its error', async () => {
  await untilAtOnce(read);
  const refused = new Error('no');
  let runs = 0;
  const failing = engine.read(() => {
    runs++;
    throw refused;
  });
  await expect(failing).rejects.toMatchObject({ cause: refused });
  expect(runs).toBeGreaterThan(0);
});
