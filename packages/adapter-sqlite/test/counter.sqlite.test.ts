import { DatabaseSync } from 'node:sqlite';
import type { CounterAdd, CounterPort, LimitPolicy } from '@portolan/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sqliteCounter } from '../src/counter.ts';
import { openPortKit } from './port-kit.ts';

let kit: ReturnType<typeof openPortKit>;
let port: CounterPort;
beforeEach(() => {
  kit = openPortKit();
  port = sqliteCounter(kit.context(1));
});
afterEach(() => kit.engine.close());

const one = (key: string, ttlMs?: number): CounterAdd => ({
  key,
  by: 1,
  ...(ttlMs === undefined ? {} : { ttlMs }),
  ttlMode: 'create',
  min: 0,
  max: 100,
  onBound: 'reject',
});
const policy: readonly LimitPolicy[] = [{ kind: 'fixed', limit: 2, periodMs: 60_000 }];

it('the sweep removes counters and limits that have ended, in steps', async () => {
  await port.add(Array.from({ length: 20 }, (_, at) => one(`c${at}`, 1_000)));
  await port.add([one('kept')]);
  for (let at = 0; at < 20; at++) await port.limit(`l${at}`, policy, 1, true);
  await kit.runtime.advance(120_000);
  expect(await kit.sweepAll(8)).toBe(6);
  expect([kit.rows('counter'), kit.rows('rate_limit')]).toEqual([1, 0]);
});

it('a limit that rejects, or is only looked at, answers while another process holds the lock', async () => {
  await port.limit('l', policy, 2, true);
  const holder = new DatabaseSync(kit.engine.path);
  holder.exec('BEGIN IMMEDIATE');
  expect((await port.limit('l', policy, 1, true)).allowed).toBe(false);
  expect((await port.limit('other', policy, 1, false)).allowed).toBe(true);
  holder.exec('ROLLBACK');
  holder.close();
});

it('calls of one tick are one transaction', async () => {
  const before = kit.engine.transaction;
  const answers = await Promise.all(Array.from({ length: 50 }, () => port.add([one('n')])));
  expect(answers.map(([added]) => added?.value)).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
  expect(kit.engine.transaction).toBe(before + 1);
});

it('no statement walks through a table or sorts', async () => {
  await port.add([one('a', 10)]);
  await port.read(['a']);
  await port.write('a', null);
  await port.limit('l', policy, 1, true);
  await kit.sweepAll(10);
  for (const { text, plan } of kit.plans())
    expect([text, plan]).not.toEqual([text, expect.stringMatching(/SCAN (counter|rate)|TEMP B-TREE/)]);
});
