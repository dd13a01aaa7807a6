import { deepEqual } from 'node:assert/strict';
import { byCallers, competeWithCalls } from '../harness/contender.ts';
import type { Task } from '../harness/contest.ts';
import { VALUE } from '../harness/value.ts';

const KEYS = 10_000;

export interface Store {
  set(key: string): Promise<unknown>;
  get(key: string): Promise<unknown>;
}

const keyOf = (n: number) => `k${Math.abs(n) % KEYS}`;

export function competeWithStore(open: (task: Task) => Promise<Store>, onRedis = true): void {
  const opened = async (task: Task) => {
    const store = await open(task);
    if (task.work === 'set') return (n: number) => store.set(keyOf(n));
    await byCallers(100, KEYS, (n) => store.set(keyOf(n)));
    deepEqual(await store.get(keyOf(0)), VALUE);
    return (n: number) => store.get(keyOf(n));
  };
  competeWithCalls(['set', 'get'], opened, { onRedis });
}
