import { DatabaseSync } from 'node:sqlite';
import { type Backend, createRuntime } from '@portolan/core';
import { afterAll, expect, it } from 'vitest';
import { sqliteAdapter } from '../src/index.ts';
import { checkIndex, checkJobs, checkOwn, checkTopic } from './durability-check.ts';
import { type Ledger, readLedger } from './durability-ledger.ts';
import { startPeer, temporaryFile } from './process-kit.ts';

/** Processes killed in all, and at once on one file. */
const KILLS = Number(process.env.DURABILITY_KILLS ?? 100);
const WRITERS = 4;
/** ms of writing before the kill, at most. */
const LIFE_MS = Number(process.env.DURABILITY_LIFE_MS ?? 250);

const runtime = createRuntime();
const file = temporaryFile();
const peers: ReturnType<typeof startPeer>[] = [];
afterAll(() => {
  for (const { process } of peers) process.kill('SIGKILL');
});

/** Starts writers and kills each at a moment of its own, now and then one that is still opening the file. */
async function killWriters(round: string): Promise<Ledger[]> {
  return Promise.all(
    Array.from({ length: WRITERS }, async (_, at) => {
      const writer = `r${round}w${at}`;
      const peer = startPeer('./durability-writer.ts', [file, round, writer]);
      peers.push(peer);
      if (Math.random() < 0.1) await runtime.sleep(Math.random() * 500);
      else await peer.ready.then(() => runtime.sleep(Math.random() * LIFE_MS));
      peer.process.kill('SIGKILL');
      await peer.ended;
      return readLedger(writer, peer.lines);
    }),
  );
}

function checkFile(): void {
  const database = new DatabaseSync(file);
  expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
  database.close();
}

async function opened(check: (backend: Backend) => Promise<void>): Promise<void> {
  const backend = await sqliteAdapter().open(`sqlite:${file}`, { namespace: 'n', runtime, deadlineMs: 5_000 });
  try {
    await check(backend);
  } finally {
    await backend.close();
  }
}

it('killed processes lose nothing that was acknowledged, and leave nothing half done', async () => {
  const all: Ledger[] = [];
  for (let killed = 0; killed < KILLS; killed += WRITERS) {
    const round = String(killed / WRITERS);
    const ledgers = await killWriters(round);
    expect(ledgers.flatMap((one) => one.failure ?? [])).toEqual([]);
    checkFile();
    await opened(async (backend) => {
      for (const ledger of ledgers) await checkOwn(backend, ledger);
      await checkJobs(backend, round, ledgers);
      await checkTopic(backend, round, ledgers);
    });
    all.push(...ledgers);
  }
  await opened(async (backend) => {
    for (const ledger of all) await checkOwn(backend, ledger);
    await checkIndex(backend);
  });
  for (const kind of ['keys', 'counter', 'documents', 'pushed', 'topic'] as const) {
    const sum = all.reduce((total, one) => total + one.acknowledged[kind], 0);
    expect(sum, `${kind} acknowledged in all`).toBeGreaterThan(KILLS);
  }
  expect(all.flatMap((one) => one.completed).length).toBeGreaterThan(KILLS);
}, 180_000);
