import { createLimiter, type LimitPolicy, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import type { Harness } from './harness.ts';
import { type AddCase, suite } from './suite.ts';

const HOUR = 3_600_000;
const slow = { kind: 'gcra', limit: 1, periodMs: HOUR, burst: 3 } as const;

function portCases(test: AddCase): void {
  test('takes a cost until the burst is used, then tells when to retry', async ({ backend: { counter } }) => {
    const first = await counter.limit('k', [slow], 2, true);
    expect(first).toEqual({ allowed: true, policies: [{ remaining: 1, retryAfterMs: 0, resetMs: 2 * HOUR }] });
    const refused = await counter.limit('k', [slow], 2, true);
    expect(refused.allowed).toBe(false);
    const [state] = refused.policies;
    expect(state?.remaining).toBe(1);
    expect(state?.retryAfterMs).toBeLessThanOrEqual(HOUR);
    expect(state?.retryAfterMs).toBeGreaterThan(HOUR - 60_000);
    expect((await counter.limit('k', [slow], 1, true)).allowed).toBe(true);
    expect((await counter.limit('k', [slow], 0, true)).policies[0]?.remaining).toBe(0);
    expect((await counter.limit('other', [slow], 3, true)).allowed).toBe(true);
  });

  test('says never for a cost above what is ever allowed', async ({ backend: { counter } }) => {
    for (const policy of [
      slow,
      { kind: 'fixed', limit: 3, periodMs: HOUR },
      { kind: 'sliding', limit: 3, periodMs: HOUR },
    ]) {
      const answer = await counter.limit('k', [policy as LimitPolicy], Number.MAX_SAFE_INTEGER, true);
      expect(answer).toEqual({
        allowed: false,
        policies: [{ remaining: 3, retryAfterMs: Number.POSITIVE_INFINITY, resetMs: 0 }],
      });
    }
  });

  test('takes from every policy or from none', async ({ backend: { counter } }) => {
    const wide: LimitPolicy = { kind: 'gcra', limit: 1, periodMs: HOUR, burst: 10 };
    await counter.limit('k', [wide, slow], 3, true);
    const refused = await counter.limit('k', [wide, slow], 1, true);
    expect(refused.allowed).toBe(false);
    expect(refused.policies.map((one) => one.remaining)).toEqual([7, 0]);
    expect(refused.policies[0]?.retryAfterMs).toBe(0);
  });

  test('only looks when told not to take, and starts fresh with other policies', async ({ backend: { counter } }) => {
    for (let i = 0; i < 3; i++) {
      expect(await counter.limit('k', [slow], 3, false)).toEqual({
        allowed: true,
        policies: [{ remaining: 3, retryAfterMs: 0, resetMs: 0 }],
      });
    }
    await counter.limit('k', [slow], 3, true);
    expect((await counter.limit('k', [{ ...slow, burst: 4 }], 0, false)).policies[0]?.remaining).toBe(4);
  });

  for (const kind of ['gcra', 'fixed', 'sliding'] as const) {
    test(`${kind}: allows again after the time it told`, async ({ kit, backend: { counter } }) => {
      const policy: LimitPolicy =
        kind === 'gcra' ? { kind, limit: 10, periodMs: 1_000, burst: 1 } : { kind, limit: 1, periodMs: 100 };
      await counter.limit('k', [policy], 1, true);
      for (let rounds = 0; ; rounds++) {
        const answer = await counter.limit('k', [policy], 1, true);
        if (answer.allowed && rounds > 0) break;
        const wait = answer.policies[0]?.retryAfterMs ?? 0;
        expect(wait).toBeLessThanOrEqual(200);
        expect(rounds).toBeLessThan(5);
        await kit.pass(wait);
      }
    });
  }
}

export function limiterSuite(harness: Harness): void {
  suite(harness, 'limiter', (test) => {
    portCases(test);

    test('core: the strictest policy decides what is answered', async ({ kit, backend }) => {
      const wide: LimitPolicy = { kind: 'gcra', limit: 1, periodMs: 24 * HOUR, burst: 5 };
      const limiter = createLimiter({
        port: backend.counter,
        runtime: kit.runtime,
        name: 'api',
        policies: [slow, wide],
      });
      expect(await limiter.peek('paul', 3)).toMatchObject({ allowed: true, remaining: 3, resetMs: 0 });
      expect(await limiter.consume('paul', 3)).toEqual({
        allowed: true,
        remaining: 0,
        retryAfterMs: 0,
        resetMs: 3 * 24 * HOUR,
      });
      const refused = await limiter.consume('paul');
      expect(refused).toMatchObject({ allowed: false, remaining: 0 });
      expect(refused.retryAfterMs).toBeGreaterThan(HOUR - 60_000);
      expect(await limiter.peek('eden')).toMatchObject({ allowed: true });
    });

    test('core: limiters of other names and counters of the same name do not meet', async ({ kit, backend }) => {
      const parts = { port: backend.counter, runtime: kit.runtime, policies: [slow] };
      await createLimiter({ ...parts, name: 'a' }).consume('k', 3);
      expect((await createLimiter({ ...parts, name: 'b' }).consume('k', 3)).allowed).toBe(true);
      expect(await backend.counter.read(['a:k'])).toEqual([null]);
      await backend.counter.write('a:k', 1);
      expect((await createLimiter({ ...parts, name: 'a' }).peek('k')).allowed).toBe(false);
    });

    test('core: refuses bad costs, names and policies', async ({ kit, backend }) => {
      const parts = { port: backend.counter, runtime: kit.runtime };
      const limiter = createLimiter({ ...parts, name: 'a', policies: [slow] });
      for (const cost of [-1, 0.5, Number.NaN, 2 ** 53]) {
        await expect(limiter.consume('k', cost)).rejects.toSatisfy((error) => PortolanError.is(error, 'INVALID'));
      }
      expect(() => createLimiter({ ...parts, name: 'a b', policies: [slow] })).toThrow(/limiter/);
      expect(() => createLimiter({ ...parts, name: 'a', policies: [] })).toThrow(/policies/);
    });

    test('two processes with 400 concurrent calls pass exactly the burst', async ({ kit, backend }) => {
      const other = await kit.open();
      for (const kind of ['gcra', 'fixed', 'sliding'] as const) {
        // A period of 1,000 years: the run crosses no edge of a window.
        const policy = { kind, limit: 50, periodMs: 31_536_000_000_000, burst: 50 };
        const limiters = [backend, other].map(({ counter }) =>
          createLimiter({ port: counter, runtime: kit.runtime, name: 'race', policies: [policy] }),
        );
        const answers = await Promise.all(
          limiters.flatMap((limiter) => Array.from({ length: 200 }, () => limiter.consume(kind))),
        );
        expect(answers.filter((one) => one.allowed)).toHaveLength(50);
      }
    });
  });
}
