import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { type Backend, createRuntime, encodeIndexKey, PortolanError } from '@portolan/core';
import { sqliteAdapter } from '../src/index.ts';
import { FOREVER, JOBS, type LedgerEntry } from './durability-ledger.ts';

/**
 * Writes of five kinds side by side, each again and again, until killed. Every write moves two things that must agree. What was acknowledged goes to the
 * ledger in one system call, so what the ledger lacks was not yet acknowledged to anybody, or at most just so.
 */
const [file = '', round = '', writer = ''] = process.argv.slice(2);

function acknowledged(entry: LedgerEntry): void {
  writeSync(1, `${JSON.stringify(entry)}\n`);
}

const writes: Record<string, (backend: Backend, n: number) => Promise<void>> = {
  async keys({ keyValue }, n) {
    const ops = ['a', 'b'].map((one) => ({
      op: 'set' as const,
      key: `{${writer}}${one}`,
      value: `${n}`,
      expiresAt: null,
    }));
    await keyValue.commit([], ops);
    acknowledged({ kind: 'keys', n });
  },

  async counter({ counter }, n) {
    const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER, onBound: 'reject' as const };
    const [added] = await counter.add([{ key: writer, by: 1, ttlMode: 'create', ...bounds }]);
    if (added?.value !== n) throw new Error(`${writer} counted ${n}, the counter ${added?.value}`);
    acknowledged({ kind: 'counter', n });
  },

  async documents({ document }, n) {
    const entries = [{ index: 'n', key: encodeIndexKey(n, 'n') }];
    const puts = ['a', 'b'].map((one) => ({
      op: 'put' as const,
      id: `${writer}${one}`,
      expect: n === 1 ? ('absent' as const) : ('present' as const),
      body: JSON.stringify({ n }),
      entries,
      expiresAt: null,
    }));
    const { ok } = await document.commit('d', puts);
    if (!ok) throw new Error(`${writer} could not write its documents at ${n}`);
    acknowledged({ kind: 'documents', n });
  },

  async push({ queue }, n) {
    const ids = [`${writer}.${n}.a`, `${writer}.${n}.b`];
    await queue.push(
      JOBS + round,
      ids.map((id) => ({ id, body: '{}', priority: 0, delayMs: 0 })),
    );
    acknowledged({ kind: 'pushed', n });
  },

  async work({ queue }, n) {
    const request = { session: writer, leaseMs: 600_000, retention: FOREVER };
    const { jobs } = await queue.exchange(JOBS + round, { ...request, nonce: `${n}.claim`, settled: [], claim: 3 });
    const settled = jobs.map(({ id }) => ({ id, outcome: 'completed' as const, result: `"${writer}"` }));
    const { refused } = await queue.exchange(JOBS + round, { ...request, nonce: `${n}.settle`, settled, claim: 0 });
    if (refused.length > 0) throw new Error(`${writer} lost leases`);
    acknowledged({ kind: 'completed', ids: jobs.map((job) => job.id) });
  },

  async topic({ broadcast }, n) {
    const messages = ['a', 'b'].map((one) => ({ data: JSON.stringify([writer, n, one]) }));
    const { cursors } = await broadcast.append(`t${round}`, messages, { count: 1e6, ms: 6e8, resumeMs: 6e8 });
    acknowledged({ kind: 'topic', n, cursors });
  },
};

const runtime = createRuntime();
const backend = await sqliteAdapter().open(`sqlite:${file}`, { namespace: 'n', runtime, deadlineMs: 10_000 });
acknowledged({ kind: 'open' });
flushCompileCache();
const failures = await Promise.race(
  Object.entries(writes).map(async ([kind, write]) => {
    try {
      for (let n = 1; ; n++) await write(backend, n);
    } catch (error) {
      const cause = PortolanError.is(error) ? error.cause : undefined;
      return `${kind}: ${error} ${cause ?? ''}`;
    }
  }),
);
acknowledged({ kind: 'failed', reason: failures });
process.exit(1);
