import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Harness } from '@portolan/testkit';
import { sqliteAdapter } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'portolan-sqlite-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** One file for all tests of a worker process; every test has a namespace of its own. Two opens are two connections, as two processes have. */
export const sqliteHarness: Harness = {
  name: 'sqlite',
  // A signal between two connections takes real time, which a manual clock would run ahead of.
  time: 'real',
  open: ({ namespace, runtime }) =>
    sqliteAdapter().open(`sqlite:${join(folder, 'conformance.db')}`, { namespace, runtime, deadlineMs: 5_000 }),
};
