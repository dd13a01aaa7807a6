import { invalid } from './errors.ts';
import { checkPolicies } from './limit-policy.ts';
import { checkKey, checkName } from './names.ts';
import type { CounterPort, LimitPolicy } from './ports/counter.ts';
import type { Runtime } from './runtime.ts';

/** One answer over all policies of a limiter. */
export interface LimiterAnswer {
  readonly allowed: boolean;
  /** Whole units that every policy would still allow. */
  readonly remaining: number;
  /** ms until all policies would allow the cost, if nobody else came; 0 when allowed; Infinity when the cost can never be allowed. */
  readonly retryAfterMs: number;
  /** ms until the limiter is as if never used. */
  readonly resetMs: number;
}

/** A rate limit shared by every process. With the store away both methods throw UNAVAILABLE: whether to let through is the caller's choice. */
export interface Limiter {
  /** Takes `cost` (default 1) if every policy allows it. A rejected call costs nothing. */
  consume(key: string, cost?: number): Promise<LimiterAnswer>;
  /** What `consume` would answer now, without taking. */
  peek(key: string, cost?: number): Promise<LimiterAnswer>;
}

export interface LimiterParts {
  readonly port: CounterPort;
  readonly runtime: Runtime;
  /** Limiters of different names do not meet. */
  readonly name: string;
  /** All must allow. Changing them starts every key fresh. */
  readonly policies: readonly LimitPolicy[];
}

export function createLimiter({ port, name, policies }: LimiterParts): Limiter {
  checkName(name, 'limiter');
  const list = [...checkPolicies(policies)];
  async function ask(key: string, cost: number, take: boolean): Promise<LimiterAnswer> {
    if (!Number.isSafeInteger(cost) || cost < 0) throw invalid(`cost: an integer of at least 0, not ${String(cost)}`);
    const fullKey = checkKey(`${name}:${key}`, 'limiter key');
    const { allowed, policies: states } = await port.limit(fullKey, list, cost, take);
    return {
      allowed,
      remaining: Math.min(...states.map((one) => one.remaining)),
      retryAfterMs: Math.max(...states.map((one) => one.retryAfterMs)),
      resetMs: Math.max(...states.map((one) => one.resetMs)),
    };
  }
  return {
    consume: (key, cost = 1) => ask(key, cost, true),
    peek: (key, cost = 1) => ask(key, cost, false),
  };
}
