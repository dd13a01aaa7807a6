import type { PortolanError } from '@portolan/core';
import { expect, it } from 'vitest';
import { chaos } from '../src/chaos.ts';

/** A port with private state that calls itself, inside something like a backend. */
class Tally {
  #sum = 0;
  async add(by: number): Promise<number> {
    this.#sum += by;
    return this.#sum;
  }
  async twice(by: number): Promise<number> {
    await this.add(by);
    return this.add(by);
  }
  async fails(): Promise<number> {
    throw new Error('of its own');
  }
}

const setUp = () => {
  const tally = new Tally();
  return { tally, faults: chaos({ tally, name: 'store', ping: async () => 'pong' }) };
};

const outcome = (call: Promise<unknown>): Promise<unknown> =>
  call.catch((error: PortolanError) => error.code ?? error.message);

it('without faults passes everything through and counts', async () => {
  const { faults } = setUp();
  expect([faults.target.name, await faults.target.ping()]).toEqual(['store', 'pong']);
  expect([await faults.target.tally.add(2), await faults.target.tally.twice(1)]).toEqual([2, 4]);
  expect(await outcome(faults.target.tally.fails())).toBe('of its own');
  expect(['ping', 'tally.add', 'tally.twice'].map((method) => faults.calls(method as 'ping'))).toEqual([1, 1, 1]);
});

it('fails the n-th call, which is not made', async () => {
  const { faults } = setUp();
  const { tally } = faults.target;
  faults.on('tally.add').fail(2);
  faults.on('tally.add').fail(3, new Error('mine'));
  const outcomes = [];
  for (let call = 0; call < 4; call++) outcomes.push(await outcome(tally.add(1)));
  expect(outcomes).toEqual([1, 'UNAVAILABLE', 'mine', 2]);
});

it('drops the reply of a call that happens, also of one that fails', async () => {
  const { faults } = setUp();
  faults.on('tally.add').dropReply();
  faults.on('tally.fails').dropReply();
  expect(await outcome(faults.target.tally.add(5))).toBe('UNAVAILABLE');
  expect(await outcome(faults.target.tally.fails())).toBe('UNAVAILABLE');
  expect(await faults.target.tally.add(1)).toBe(6);
});

it('every call, or only calls with certain arguments, until it is healed', async () => {
  const { faults } = setUp();
  faults.on('tally.add', (by) => by > 10).fail('every');
  const outcomes = [];
  for (const by of [1, 11, 2, 12]) outcomes.push(await outcome(faults.target.tally.add(by)));
  expect(outcomes).toEqual([1, 'UNAVAILABLE', 3, 'UNAVAILABLE']);
  faults.heal();
  expect(await faults.target.tally.add(11)).toBe(14);
});

it('holds a call before it is made, or only its reply', async () => {
  const { faults, tally } = setUp();
  const before = faults.on('tally.add').hold();
  const after = faults.on('tally.add').holdReply(2);
  const [first, second] = [faults.target.tally.add(1), faults.target.tally.add(10)];
  await Promise.all([before.reached, after.reached]);
  expect(await tally.add(0)).toBe(10);
  before.release();
  expect(await first).toBe(11);
  after.release();
  expect(await second).toBe(10);
});

it('wraps a port alone as well, and healing lets go of what waits', async () => {
  const faults = chaos(new Tally());
  const held = faults.on('add').hold();
  const call = faults.target.add(3);
  await held.reached;
  faults.heal();
  expect(await call).toBe(3);
});

it('knows the methods by their types', () => {
  const { faults } = setUp();
  // @ts-expect-error: no such method
  faults.on('tally.subtract');
  // @ts-expect-error: not a method
  faults.on('name');
  // @ts-expect-error: `by` is a number
  faults.on('tally.add', (by: string) => by === '');
  expect(faults.calls('tally.twice')).toBe(0);
});
