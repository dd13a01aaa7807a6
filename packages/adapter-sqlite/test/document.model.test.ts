import { DatabaseSync } from 'node:sqlite';
import { memoryAdapter } from '@portolan/adapter-memory';
import { createRuntime } from '@portolan/core';
import { checkDocumentModel } from '@portolan/testkit';
import { afterAll, expect, it } from 'vitest';
import { sqliteAdapter } from '../src/index.ts';
import { temporaryFile } from './process-kit.ts';

const RUNS = Number(process.env.MODEL_RUNS ?? 200);
const runtime = createRuntime();
const file = temporaryFile();
const closing: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const close of closing) await close();
});

it('keeps documents like the memory adapter, whatever is written in whatever order', async () => {
  await checkDocumentModel(async () => {
    const options = { namespace: `model-${runtime.id()}`, runtime, deadlineMs: 5_000 };
    const subject = await sqliteAdapter().open(`sqlite:${file}`, options);
    const oracle = await memoryAdapter().open('memory:', options);
    closing.push(() => subject.close());
    if (closing.length > 20) await closing.shift()?.();
    return { oracle: oracle.document, subject: subject.document };
  }, RUNS);
  const database = new DatabaseSync(file, { readOnly: true });
  const all = (text: string) => database.prepare(text).all();
  expect(all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  expect(all('SELECT 1 FROM document_entry').length).toBeGreaterThan(0);
  // The counts and the index entries of every collection say what its documents say.
  expect(
    all(`SELECT * FROM collection WHERE documents <> (SELECT count(*) FROM document WHERE collection = collection.number)
      OR tombstones <> (SELECT count(*) FROM document_tombstone WHERE collection = collection.number)`),
  ).toEqual([]);
  const kept = 'SELECT collection, name, document, sole FROM document_entry';
  const meant = `SELECT collection, entry.value ->> 0 AS name, number AS document, entry.value ->> 2 AS sole
    FROM document, json_each(entries) AS entry`;
  expect(all(`${kept} EXCEPT ${meant}`)).toEqual([]);
  expect(all(`${meant} EXCEPT ${kept}`)).toEqual([]);
  expect(all(`SELECT (SELECT count(*) FROM (${kept})) - (SELECT count(*) FROM (${meant})) AS surplus`)).toEqual([
    { surplus: 0 },
  ]);
  expect(all('SELECT id FROM document JOIN document_tombstone USING (collection, id)')).toEqual([]);
  database.close();
}, 300_000);
