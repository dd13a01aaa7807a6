import { PortolanError } from '@portolan/core';

type Method = (...args: never[]) => unknown;

/** The methods of a port by name (`exchange`), and those of a backend's ports by path (`queue.exchange`). */
export type MethodPath<T> = {
  [K in keyof T & string]-?: NonNullable<T[K]> extends Method
    ? K
    : NonNullable<T[K]> extends object
      ? `${K}.${MethodName<NonNullable<T[K]>>}`
      : never;
}[keyof T & string];

type MethodName<T> = { [K in keyof T & string]-?: NonNullable<T[K]> extends Method ? K : never }[keyof T & string];

type ArgumentsOf<T, P extends string> = P extends `${infer K}.${infer M}`
  ? K extends keyof T
    ? ArgumentsOf<NonNullable<T[K]>, M>
    : never
  : P extends keyof T
    ? NonNullable<T[P]> extends (...args: infer A) => unknown
      ? A
      : never
    : never;

/** The first call from now on is 1. */
export type Nth = number | 'every';

/** Faults of one method. Each counts calls from the moment it is made. */
export interface Faults {
  /** The call is not made; the caller gets the error. */
  fail(nth?: Nth, error?: Error): void;
  /** The call is made, whatever it comes to, and the caller gets the error: the store may have done it. */
  dropReply(nth?: Nth, error?: Error): void;
  /** The call waits before it is made. */
  hold(nth?: number): Held;
  /** The call is made at once; what it comes to waits. */
  holdReply(nth?: number): Held;
}

export interface Held {
  /** Resolves when the call waits. */
  readonly reached: Promise<void>;
  release(): void;
}

/** A port or a backend with faults to order. */
export interface Chaos<T extends object> {
  /** Stands in for what was wrapped. */
  readonly target: T;
  /** Faults of a method, or only of its calls with these arguments. */
  on<P extends MethodPath<T>>(method: P, only?: (...args: ArgumentsOf<T, P>) => boolean): Faults;
  /** How often the method was called so far, made or not. */
  calls(method: MethodPath<T>): number;
  /** Forgets every fault and releases what waits. */
  heal(): void;
}

type Call = () => unknown;

interface Fault {
  /** Counts the call and tells whether the fault is for it. */
  meets(method: string, args: readonly unknown[]): boolean;
  readonly act: (call: Call) => Promise<unknown>;
  readonly heal: () => void;
}

const lost = (): PortolanError => new PortolanError('UNAVAILABLE', 'chaos: no reply');

/**
 * Wraps a port or a backend so that a test decides which calls fail, wait, or happen without the caller hearing of it. Without
 * faults every call goes straight through. Of several faults that meet a call, the one ordered first acts.
 */
export function chaos<T extends object>(wrapped: T): Chaos<T> {
  let faults: Fault[] = [];
  const counts = new Map<string, number>();

  function intercept(method: string, args: readonly unknown[], call: Call): unknown {
    counts.set(method, (counts.get(method) ?? 0) + 1);
    const met = faults.filter((fault) => fault.meets(method, args));
    return met[0] ? met[0].act(call) : call();
  }

  return {
    target: intercepted(wrapped, '', intercept),
    on(method, only) {
      const matches = only as ((...args: unknown[]) => boolean) | undefined;
      const add = (nth: Nth, act: Fault['act'], heal: () => void = () => undefined): void => {
        let seen = 0;
        const meets: Fault['meets'] = (called, args) => {
          if (called !== method || matches?.(...args) === false) return false;
          seen += 1;
          return nth === 'every' || seen === nth;
        };
        faults.push({ meets, act, heal });
      };
      const wait = (nth: number, act: (call: Call, gate: () => Promise<void>) => Promise<unknown>): Held => {
        const reached = Promise.withResolvers<void>();
        const released = Promise.withResolvers<void>();
        const gate = () => {
          reached.resolve();
          return released.promise;
        };
        add(nth, (call) => act(call, gate), released.resolve);
        return { reached: reached.promise, release: released.resolve };
      };
      return {
        fail(nth = 1, error = lost()) {
          add(nth, () => Promise.reject(error));
        },
        dropReply(nth = 1, error = lost()) {
          add(nth, async (call) => {
            await Promise.allSettled([call()]);
            throw error;
          });
        },
        hold: (nth = 1) => wait(nth, (call, gate) => gate().then(call)),
        holdReply: (nth = 1) =>
          wait(nth, async (call, gate) => {
            const [outcome] = await Promise.allSettled([call()]);
            await gate();
            if (outcome.status === 'rejected') throw outcome.reason;
            return outcome.value;
          }),
      };
    },
    calls: (method) => counts.get(method) ?? 0,
    heal() {
      const healed = faults;
      faults = [];
      for (const fault of healed) fault.heal();
    },
  };
}

type Intercept = (method: string, args: readonly unknown[], call: Call) => unknown;

/** Methods run on the object itself, not on the stand-in, so private fields work and calls to oneself are left alone. */
function intercepted<T extends object>(object: T, prefix: string, intercept: Intercept): T {
  const known = new Map<unknown, unknown>();
  const standIn = (value: object, name: string): unknown =>
    typeof value === 'function'
      ? (...args: unknown[]) => intercept(name, args, () => Reflect.apply(value, object, args))
      : intercepted(value, `${name}.`, intercept);
  return new Proxy(object, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      const wrappable = typeof value === 'function' || (typeof value === 'object' && value !== null);
      if (!wrappable || typeof property === 'symbol') return value;
      const found = known.get(value) ?? standIn(value, prefix + property);
      known.set(value, found);
      return found;
    },
  });
}
