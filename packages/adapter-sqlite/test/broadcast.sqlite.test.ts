import { createManualRuntime } from '@portolan/testkit';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { sqliteBroadcast } from '../src/broadcast.ts';
import { Engine } from '../src/engine.ts';
import { Signals } from '../src/signals.ts';
import { temporaryFile } from './process-kit.ts';

const KEEP = { count: 1_000, ms: 1_000, resumeMs: 2_000 };
const said = (count: number, text = 'x') => Array.from({ length: count }, (_, n) => ({ data: `"${n} ${text}"` }));

let runtime = createManualRuntime();
let engine: Engine;
let sweeps: ((limit: number) => number)[] = [];
let broadcast: ReturnType<typeof sqliteBroadcast>;

beforeEach(() => {
  runtime = createManualRuntime();
  engine = new Engine({ path: temporaryFile(), synchronous: 'normal' }, runtime, 5_000);
  sweeps = [];
  broadcast = sqliteBroadcast({
    runtime,
    engine,
    signals: new Signals(engine, 1),
    namespace: 1,
    now: () => runtime.clock.now(),
    onSweep: (sweep) => void sweeps.push(sweep),
    onClose: () => undefined,
  });
});
afterEach(() => engine.close());

const rows = (table: string) => Number(engine.sql(`SELECT count(*) AS n FROM ${table}`).get()?.n);

/** Steps of every sweep, until all have nothing left; each step is small. */
async function sweepAll(limit = 100): Promise<number> {
  let steps = 0;
  for (const sweep of sweeps) {
    for (let more = true; more; steps++) {
      const before = rows('topic_message');
      more = (await engine.write(() => sweep(limit))) >= limit;
      expect(before - rows('topic_message')).toBeLessThanOrEqual(limit);
    }
  }
  return steps;
}

const kept = async (after = 'start') =>
  (await broadcast.read([{ topic: 't', after }], 2_000))[0]?.messages.map((one) => one.data);

it('a shorter retention holds at once for readers, and its rows go in small steps', async () => {
  for (let n = 0; n < 2; n++) await broadcast.append('t', said(500), KEEP);
  await broadcast.append('t', said(1, 'last'), { ...KEEP, count: 1 });
  expect(await kept()).toEqual(['"0 last"']);
  expect((await broadcast.topics())[0]).toMatchObject({ messages: 1 });
  expect(rows('topic_message')).toBe(1_001 - 101);
  expect(await sweepAll()).toBeGreaterThan(9);
  expect(rows('topic_message')).toBe(1);
  expect(await kept()).toEqual(['"0 last"']);
});

it('a steady topic has no more rows than it keeps, and nothing to sweep', async () => {
  for (let n = 0; n < 30; n++) await broadcast.append('t', said(7), { ...KEEP, count: 20 });
  expect(rows('topic_message')).toBe(20);
  expect(await Promise.all(sweeps.map((sweep) => engine.write(() => sweep(10))))).toEqual([0, 0]);
});

it('expired messages, then the topic, then its members leave no row', async () => {
  await broadcast.append('t', said(250), KEEP);
  await broadcast.append('u', said(1), { ...KEEP, ms: 600_000 });
  await broadcast.join('t', { id: 'm', info: '{}' }, 4_000);
  await runtime.advance(KEEP.ms);
  await sweepAll();
  expect([rows('topic_message'), rows('topic'), rows('topic_member')]).toEqual([1, 2, 1]);
  await runtime.advance(KEEP.resumeMs);
  await sweepAll();
  expect([rows('topic_message'), rows('topic'), rows('topic_member')]).toEqual([1, 1, 1]);
  await runtime.advance(2_000);
  await sweepAll();
  expect([rows('topic'), rows('topic_member')]).toEqual([1, 0]);
  expect(await broadcast.topics()).toMatchObject([{ topic: 'u' }]);
});

it('a topic that comes back after it expired is swept when it expires again', async () => {
  const keep = { ...KEEP, resumeMs: 600_000 };
  await broadcast.append('t', said(5), keep);
  await runtime.advance(keep.ms);
  await sweepAll();
  await broadcast.append('t', said(5), keep);
  await sweepAll();
  expect(rows('topic_message')).toBe(5);
  await runtime.advance(keep.ms);
  await sweepAll();
  expect([rows('topic_message'), rows('topic')]).toEqual([0, 1]);
});

it('a forgotten topic that no sweep has seen begins anew, and shows nothing of what it held', async () => {
  const [old = ''] = (await broadcast.append('t', said(300, 'old'), KEEP)).cursors;
  await runtime.advance(KEEP.ms + KEEP.resumeMs);
  expect(await kept()).toEqual([]);
  const { cursors } = await broadcast.append('t', said(2, 'new'), KEEP);
  expect(cursors.map((cursor) => cursor.split('-')[1])).toEqual(['1', '2']);
  expect(cursors[0]?.split('-')[0]).not.toBe(old.split('-')[0]);
  for (const after of ['start', '0-0', old]) expect(await kept(after)).toEqual(['"0 new"', '"1 new"']);
  expect((await broadcast.topics())[0]).toMatchObject({ messages: 2, cursor: cursors[1] });
  await sweepAll();
  expect(rows('topic_message')).toBe(2);
  expect(await kept(cursors[0])).toEqual(['"1 new"']);
});

it('a read of large messages ends early and says that there is more', async () => {
  const large = 'x'.repeat(300_000);
  for (let n = 0; n < 6; n++) await broadcast.append('t', said(1, large), KEEP);
  const [first] = await broadcast.read([{ topic: 't', after: 'start' }], 100);
  expect(first).toMatchObject({ more: true, gap: false });
  expect(first?.messages).toHaveLength(4);
  const [rest] = await broadcast.read([{ topic: 't', after: first?.cursor ?? '' }], 100);
  expect(rest).toMatchObject({ more: false, gap: false });
  expect(rest?.messages).toHaveLength(2);
});

it('no step walks a table', async () => {
  const prepare = vi.spyOn(engine, 'sql');
  for (const count of [10, 1]) await broadcast.append('t', said(3), { ...KEEP, count }, { members: true });
  for (let n = 0; n < 2; n++) await broadcast.join('t', { id: 'm', info: '{}' }, KEEP.ms);
  for (const after of ['start', 'end']) await broadcast.read([{ topic: 't', after }], 10);
  await broadcast.leave('t', 'm');
  await runtime.advance(KEEP.ms + KEEP.resumeMs);
  await sweepAll();
  const texts = new Set(prepare.mock.calls.map(([text]) => text).filter((text) => !text.includes('count(*)')));
  prepare.mockRestore();
  const steps = [...texts].flatMap((text) => engine.sql(`EXPLAIN QUERY PLAN ${text}`).all());
  const details = steps.map((step) => String(step.detail));
  expect(details.length).toBeGreaterThan(10);
  expect(details.filter((detail) => /^SCAN|TEMP B-TREE/.test(detail))).toEqual([]);
});
