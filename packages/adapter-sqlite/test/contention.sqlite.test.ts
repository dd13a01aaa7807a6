import { expect, it } from 'vitest';
import type { Contended } from './contention-peer.ts';
import { startPeer, temporaryFile } from './process-kit.ts';

const MS = Number(process.env.CONTENTION_MS ?? 4_000);
/** Far less than the run, so that a process that is kept out fails. */
const DEADLINE_MS = 2_000;

async function contend(hows: readonly string[]): Promise<Contended[]> {
  const file = temporaryFile();
  const peers = hows.map((how, at) =>
    startPeer('./contention-peer.ts', [file, `p${at}`, how, `${MS}`, `${DEADLINE_MS}`]),
  );
  return Promise.all(
    peers.map(async (peer) => {
      expect(await peer.ended).toBe(0);
      return JSON.parse(peer.lines.at(-1) ?? '') as Contended;
    }),
  );
}

it('processes that write without pause never see a lock, and none is kept out', async () => {
  const reports = await contend(['steady', 'steady', 'steady', 'steady']);
  expect(reports.flatMap((one) => one.failed)).toEqual([]);
  const done = reports.map((one) => one.done);
  expect(Math.min(...done)).toBeGreaterThan(Math.max(...done) / 20);
}, 60_000);

it('processes that come and go disturb nobody, from the first moment of the file', async () => {
  const reports = await contend(['churn', 'churn', 'churn', 'steady']);
  expect(reports.flatMap((one) => one.failed)).toEqual([]);
}, 60_000);
