import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PortolanError } from '../src/errors.ts';
import { jobError, MAX_DELAY_MS, mayRetry, retryDelay } from '../src/retry-policy.ts';

const error = jobError(new Error('broken'));
const half = (): number => 0.5;

describe('retry policy', () => {
  it('keeps a fixed pause', () => {
    const pauses = [1, 2, 9].map((attempt) => retryDelay({ kind: 'fixed', delayMs: 70 }, attempt, error, half));
    expect(pauses).toEqual([70, 70, 70]);
  });

  it('doubles an exponential pause up to its bound', () => {
    const backoff = { kind: 'exponential', delayMs: 100, maxMs: 500 } as const;
    expect([1, 2, 3, 4, 2_000].map((attempt) => retryDelay(backoff, attempt, error, half))).toEqual([
      100, 200, 400, 500, 500,
    ]);
    expect(retryDelay({ kind: 'exponential', delayMs: 1_000 }, 1_000, error, half)).toBe(3_600_000);
  });

  it('leaves no more than the said share to chance', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.integer({ min: 1, max: 50 }),
        (chance, attempt) => {
          const backoff = { kind: 'exponential', delayMs: 100, maxMs: 10_000 } as const;
          const full = retryDelay(backoff, attempt, error, half);
          const pause = retryDelay({ ...backoff, jitter: 0.3 }, attempt, error, () => chance);
          expect(pause).toBeLessThanOrEqual(full);
          expect(pause).toBeGreaterThanOrEqual(Math.floor(full * 0.7));
        },
      ),
    );
  });

  it('asks a function, and does not believe it everything', () => {
    expect(retryDelay((attempt, { message }) => attempt * message.length, 3, error, half)).toBe(18);
    expect(retryDelay(() => -5, 1, error, half)).toBe(0);
    expect(retryDelay(() => 1e300, 1, error, half)).toBe(MAX_DELAY_MS);
    expect(retryDelay({ kind: 'fixed', delayMs: 1e300, maxMs: 1e300 }, 1, error, half)).toBe(MAX_DELAY_MS);
  });

  it.each([
    () => Number.NaN,
    () => Number.POSITIVE_INFINITY,
    () => 'soon' as unknown as number,
    () => 5n as unknown as number,
    () => {
      throw new Error('a bug');
    },
  ])('waits an hour, and tells, when a function is broken: %s', (backoff) => {
    const told: unknown[] = [];
    expect(retryDelay(backoff, 1, error, half, (fault) => told.push(fault))).toBe(3_600_000);
    expect(told).toEqual([expect.any(Error)]);
  });

  it('counts failures against the attempts and believes what the error says', () => {
    expect([1, 2, 3].map((failures) => mayRetry(error, failures, 3))).toEqual([true, true, false]);
    expect(mayRetry(new PortolanError('FORBIDDEN', 'no'), 1, 3)).toBe(false);
    expect(mayRetry(new PortolanError('INTERNAL', 'try', { retryable: true }), 1, 3)).toBe(true);
  });

  it('takes anything thrown', () => {
    expect(jobError('text')).toMatchObject({ code: 'INTERNAL', message: 'text', retryable: true });
    expect(jobError(new Error('')).message).not.toBe('');
    const own = new PortolanError('CONFLICT', 'mine');
    expect(jobError(own)).toBe(own);
  });
});
