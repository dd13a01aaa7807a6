import { invalid } from './errors.ts';
import type { LimitPolicy, LimitResult, LimitState } from './ports/counter.ts';

/**
 * The arithmetic of rate limits, for adapters that keep state in JavaScript (memory, SQLite); the Redis adapter says the
 * same in Lua and a property test holds both together.
 *
 * Everything is an integer: times in ms, a GCRA level in units of 1/limit ms (the continuous-state leaky bucket of ITU-T
 * I.371, which equals GCRA), so no step rounds. `checkPolicies` keeps every product below 2^52, where doubles (and parsers of replies) are exact.
 */

const MAX_PRODUCT = 2 ** 51;
const MAX_POLICIES = 8;

/** Throws INVALID unless this is a list of 1 to 8 policies whose numbers can be computed exactly. */
export function checkPolicies(policies: readonly LimitPolicy[]): readonly LimitPolicy[] {
  if (policies.length < 1 || policies.length > MAX_POLICIES) throw invalid(`policies: 1 to ${MAX_POLICIES} of them`);
  for (const [at, policy] of policies.entries()) {
    const what = `policies[${at}]`;
    if (!['gcra', 'fixed', 'sliding'].includes(policy.kind)) throw invalid(`${what}.kind: gcra, fixed or sliding`);
    const numbers = { limit: policy.limit, periodMs: policy.periodMs, burst: capacity(policy) };
    for (const [name, value] of Object.entries(numbers)) {
      if (!Number.isSafeInteger(value) || value < 1) throw invalid(`${what}.${name}: an integer of at least 1`);
    }
    if (Math.max(policy.limit, capacity(policy)) * policy.periodMs > MAX_PRODUCT) {
      throw invalid(`${what}: limit (or burst) times periodMs must not exceed 2^51`);
    }
  }
  return policies;
}

/** The most units a policy ever allows at once. */
function capacity(policy: LimitPolicy): number {
  return policy.kind === 'gcra' ? policy.burst : policy.limit;
}

/** The policies as text: state that was kept under another list is not looked at. */
export function policiesText(policies: readonly LimitPolicy[]): string {
  return policies.map((one) => `${one.kind}/${one.limit}/${one.periodMs}/${capacity(one)}`).join(' ');
}

/**
 * What one policy remembers, as of the time of the last write: gcra its level; fixed the units used in the window; sliding
 * the units used in the window and, as `before`, in the one before it.
 */
interface Usage {
  readonly used: number;
  readonly before: number;
}

const UNUSED: Usage = { used: 0, before: 0 };

/** `usage` of time `at`, as it is at `now` (not earlier). */
function carryOver(policy: LimitPolicy, usage: Usage, at: number, now: number): Usage {
  if (policy.kind === 'gcra') return { used: Math.max(0, usage.used - (now - at) * policy.limit), before: 0 };
  const passed = Math.floor(now / policy.periodMs) - Math.floor(at / policy.periodMs);
  if (passed === 0) return usage;
  return policy.kind === 'sliding' && passed === 1 ? { used: 0, before: usage.used } : UNUSED;
}

/** Units times periodMs that stand against the capacity at `now`. */
function load(policy: LimitPolicy, { used, before }: Usage, now: number): number {
  if (policy.kind === 'gcra') return used;
  return used * policy.periodMs + before * (policy.periodMs - (now % policy.periodMs));
}

function retryAfter(policy: LimitPolicy, { used, before }: Usage, cost: number, now: number): number {
  const most = capacity(policy);
  if (cost > most) return Number.POSITIVE_INFINITY;
  const period = policy.periodMs;
  if (policy.kind === 'gcra') return Math.max(0, Math.ceil((used + cost * period - most * period) / policy.limit));
  const left = period - (now % period);
  if (policy.kind === 'fixed') return used + cost <= most ? 0 : left;
  // Within this window the earlier one's weight shrinks; in the next one, this window is the earlier one.
  if (used + cost <= most) {
    return before === 0 ? 0 : Math.max(0, left - Math.floor(((most - used - cost) * period) / before));
  }
  return left + Math.max(0, period - Math.floor(((most - cost) * period) / used));
}

function reset(policy: LimitPolicy, { used, before }: Usage, now: number): number {
  if (policy.kind === 'gcra') return Math.ceil(used / policy.limit);
  const left = policy.periodMs - (now % policy.periodMs);
  if (policy.kind === 'sliding' && used > 0) return left + policy.periodMs;
  return used > 0 || before > 0 ? left : 0;
}

function spend(policy: LimitPolicy, usage: Usage, cost: number): Usage {
  return { used: usage.used + (policy.kind === 'gcra' ? cost * policy.periodMs : cost), before: usage.before };
}

export interface LimitStep {
  readonly result: LimitResult;
  /** What to store now and for how long; null when nothing is to be written. */
  readonly write: { readonly state: string; readonly ttlMs: number } | null;
}

/**
 * One step of a limiter: from the stored state (null when there is none) to the answer and what to store. With `take`
 * false, or a cost that some policy refuses, nothing is written. A clock that went back counts as standing still.
 */
export function stepLimit(
  state: string | null,
  policies: readonly LimitPolicy[],
  cost: number,
  take: boolean,
  clockMs: number,
): LimitStep {
  const text = policiesText(policies);
  const numbers = state?.startsWith(`${text}|`)
    ? state
        .slice(text.length + 1)
        .split(' ')
        .map(Number)
    : [];
  const at = numbers[0] ?? clockMs;
  const now = Math.max(clockMs, at);
  const before = policies.map((policy, index) => {
    const usage = { used: numbers[1 + 2 * index] ?? 0, before: numbers[2 + 2 * index] ?? 0 };
    return carryOver(policy, usage, at, now);
  });
  const waits = policies.map((policy, index) => retryAfter(policy, before[index] ?? UNUSED, cost, now));
  const allowed = waits.every((wait) => wait === 0);
  const taken = allowed && take && cost > 0;
  const after = taken ? before.map((usage, index) => spend(policies[index] as LimitPolicy, usage, cost)) : before;
  const states = policies.map((policy, index): LimitState => {
    const usage = after[index] ?? UNUSED;
    return {
      remaining: Math.max(0, capacity(policy) - Math.ceil(load(policy, usage, now) / policy.periodMs)),
      retryAfterMs: waits[index] ?? 0,
      resetMs: reset(policy, usage, now),
    };
  });
  const result = { allowed, policies: states };
  if (!taken) return { result, write: null };
  const words = [now, ...after.flatMap(({ used, before: earlier }) => [used, earlier])];
  return {
    result,
    write: { state: `${text}|${words.join(' ')}`, ttlMs: Math.max(...states.map((one) => one.resetMs)) },
  };
}
