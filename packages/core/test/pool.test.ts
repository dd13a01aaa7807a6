import { expect, it } from 'vitest';
import { Pool, type SlotUser } from '../src/worker/pool.ts';

const user = (freed: () => void = () => undefined): SlotUser => ({ slotsFreed: freed });

it('gives no more than it has, and serves those first who stood in line', () => {
  const pool = new Pool(4);
  const [a, b, c] = [user(), user(), user()];
  expect(pool.reserve(a, 10)).toBe(4);
  expect(pool.reserve(b, 10)).toBe(0);
  expect(pool.reserve(c, 10)).toBe(0);
  pool.release(1);
  expect(pool.reserve(a, 10)).toBe(0);
  expect(pool.reserve(c, 10)).toBe(0);
  expect(pool.reserve(b, 10)).toBe(1);
  pool.release(2);
  expect(pool.reserve(c, 10)).toBe(1);
  expect(pool.reserve(a, 10)).toBe(1);
  expect(pool.free).toBe(0);
});

it('tells those in line when slots come free, and no others', () => {
  const told: string[] = [];
  const pool = new Pool(1);
  const gone = user(() => told.push('gone'));
  expect(
    pool.reserve(
      user(() => told.push('holder')),
      1,
    ),
  ).toBe(1);
  expect(
    pool.reserve(
      user(() => told.push('waiter')),
      1,
    ),
  ).toBe(0);
  expect(pool.reserve(gone, 1)).toBe(0);
  pool.leave(gone);
  pool.release(1);
  expect(told).toEqual(['waiter']);
});

it('tells those in line when one before them leaves it, though no slot comes free', () => {
  const told: string[] = [];
  const [holder, first, second] = ['holder', 'first', 'second'].map((name) => user(() => told.push(name)));
  const pool = new Pool(1);
  expect(pool.reserve(holder as SlotUser, 1)).toBe(1);
  expect(pool.reserve(first as SlotUser, 1)).toBe(0);
  expect(pool.reserve(second as SlotUser, 1)).toBe(0);
  pool.release(1);
  expect(pool.reserve(second as SlotUser, 1)).toBe(0);
  told.length = 0;
  pool.leave(first as SlotUser);
  expect(told).toEqual(['second']);
  expect(pool.reserve(second as SlotUser, 1)).toBe(1);
});
