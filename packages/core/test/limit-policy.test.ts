import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPolicies, type LimitPolicy, type LimitStep, stepLimit } from '../src/index.ts';

const policy: fc.Arbitrary<LimitPolicy> = fc
  .record({
    kind: fc.constantFrom('gcra' as const, 'fixed' as const, 'sliding' as const),
    limit: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000 })),
    periodMs: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 86_400_000 })),
    burst: fc.integer({ min: 1, max: 30 }),
  })
  .map(({ kind, burst, ...rest }) => (kind === 'gcra' ? { kind, burst, ...rest } : { kind, ...rest }));
const policies = fc.array(policy, { minLength: 1, maxLength: 3 });
const visits = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 100_000_000 })),
    cost: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 500_000 })),
  }),
  { minLength: 1, maxLength: 25 },
);

type Seen = (at: { state: string | null; now: number; cost: number; step: LimitStep }) => void;

/** Plays visits and hands every step over, with the state it started from. */
function play(list: readonly LimitPolicy[], path: { afterMs: number; cost: number }[], seen: Seen) {
  let now = Date.UTC(2026, 0, 1) + 12_345;
  let state: string | null = null;
  for (const { afterMs, cost } of path) {
    now += afterMs;
    const step = stepLimit(state, list, cost, true, now);
    seen({ state, now, cost, step });
    state = step.write?.state ?? state;
  }
}
describe('limit policies', () => {
  it('tells the exact ms to retry: allowed then, refused one ms before', () => {
    fc.assert(
      fc.property(policies, visits, (list, path) => {
        play(list, path, ({ state, now, cost, step }) => {
          if (step.result.allowed) {
            expect(step.result.policies.every((one) => one.retryAfterMs === 0)).toBe(true);
            return;
          }
          expect(step.write).toBeNull();
          for (const [index, one] of step.result.policies.entries()) {
            const single = (at: number) => {
              const now2 = stepLimit(state, list, cost, false, at).result.policies[index];
              return now2?.retryAfterMs === 0;
            };
            if (one.retryAfterMs === 0) continue;
            if (one.retryAfterMs === Number.POSITIVE_INFINITY) {
              expect(single(now + 1e12)).toBe(false);
              continue;
            }
            expect(single(now + one.retryAfterMs)).toBe(true);
            expect(single(now + one.retryAfterMs - 1)).toBe(false);
          }
        });
      }),
      { numRuns: 500 },
    );
  });

  it('keeps state exactly as long as it has an effect', () => {
    fc.assert(
      fc.property(policies, visits, (list, path) => {
        play(list, path, ({ now, step }) => {
          if (!step.write) return;
          const { state, ttlMs } = step.write;
          const look = (at: number, from: string | null) => stepLimit(from, list, 0, false, at).result.policies;
          expect(look(now + ttlMs, state)).toEqual(look(now + ttlMs, null));
          const before = look(now + ttlMs - 1, state);
          expect(before.some((one) => one.resetMs === 1)).toBe(true);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('never lets more through than the policy says', () => {
    const spec = { kind: 'gcra', limit: 3, periodMs: 1_000, burst: 5 } as const;
    fc.assert(
      fc.property(visits, (path) => {
        const taken: { at: number; cost: number }[] = [];
        play([spec], path, ({ now, cost, step }) => {
          if (step.result.allowed) taken.push({ at: now, cost });
        });
        for (let from = 0; from < taken.length; from++) {
          for (let to = from; to < taken.length; to++) {
            const units = taken.slice(from, to + 1).reduce((sum, one) => sum + one.cost, 0);
            const elapsed = (taken[to]?.at ?? 0) - (taken[from]?.at ?? 0);
            expect(units).toBeLessThanOrEqual(spec.burst + (elapsed * spec.limit) / spec.periodMs);
          }
        }
      }),
    );
  });

  it('takes from all policies or from none, and nothing when it only looks', () => {
    const list: LimitPolicy[] = [
      { kind: 'fixed', limit: 10, periodMs: 60_000 },
      { kind: 'gcra', limit: 1, periodMs: 1_000, burst: 2 },
    ];
    const first = stepLimit(null, list, 2, true, 0);
    const refused = stepLimit(first.write?.state ?? null, list, 1, true, 0);
    expect(refused.result.allowed).toBe(false);
    expect(refused.result.policies.map((one) => one.remaining)).toEqual([8, 0]);
    expect(refused.write).toBeNull();
    expect(stepLimit(null, list, 2, false, 0)).toMatchObject({ result: { allowed: true }, write: null });
  });

  it('starts fresh when the policies changed, and stands still when the clock goes back', () => {
    const list: LimitPolicy[] = [{ kind: 'fixed', limit: 1, periodMs: 100 }];
    const { write } = stepLimit(null, list, 1, true, 1_000);
    const other: LimitPolicy[] = [{ kind: 'fixed', limit: 1, periodMs: 1_000 }];
    expect(stepLimit(write?.state ?? null, other, 1, true, 1_000).result.allowed).toBe(true);
    expect(stepLimit(write?.state ?? null, list, 1, true, 10).result.allowed).toBe(false);
  });

  it('smooths the edge of a window that a fixed window lets through twice', () => {
    const edge = (kind: 'fixed' | 'sliding') => {
      const list: LimitPolicy[] = [{ kind, limit: 10, periodMs: 1_000 }];
      const { write } = stepLimit(null, list, 10, true, 999);
      return stepLimit(write?.state ?? null, list, 10, true, 1_000).result.allowed;
    };
    expect(edge('fixed')).toBe(true);
    expect(edge('sliding')).toBe(false);
  });

  it('refuses policies whose numbers could not be computed exactly', () => {
    const bad: unknown[] = [
      [],
      [{ kind: 'fixed', limit: 0, periodMs: 1 }],
      [{ kind: 'fixed', limit: 1.5, periodMs: 1 }],
      [{ kind: 'gcra', limit: 1, periodMs: 1 }],
      [{ kind: 'bucket', limit: 1, periodMs: 1 }],
      [{ kind: 'fixed', limit: 2 ** 40, periodMs: 2 ** 20 }],
      Array.from({ length: 9 }, () => ({ kind: 'fixed', limit: 1, periodMs: 1 })),
    ];
    for (const list of bad) expect(() => checkPolicies(list as LimitPolicy[])).toThrow(/polic/);
  });
});
