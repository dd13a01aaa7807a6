import type { CommitResult, Expiry, KeyCheck, KeyOp } from '@portolan/core';
import type { Redis } from 'ioredis';
import { callScript, type RedisArgument } from './connection.ts';
import { persistScript } from './key-value-scripts.ts';

export const toArgument = (value: string | Uint8Array): string | Buffer =>
  typeof value === 'string' ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);

const counted = async (count: Promise<number>): Promise<CommitResult> => ({ ok: true, counts: [await count] });

/** The commit as one command of Redis, where it has one: at most one op, and no check or one of presence on the key of a set. */
export function plainCommand(
  checks: readonly KeyCheck[],
  ops: readonly KeyOp[],
  named: (key: string) => string,
): ((client: Redis) => Promise<CommitResult>) | null {
  const [check] = checks;
  const [op] = ops;
  if (checks.length > 1 || ops.length > 1) return null;
  if (check) {
    if (typeof check.is === 'object') return null;
    const present = check.is === 'present';
    if (!op) {
      return async (client) => {
        const exists = (await client.exists(named(check.key))) === 1;
        return exists === present ? { ok: true, counts: [] } : { ok: false, failed: 0 };
      };
    }
    if (op.op !== 'set' || op.key !== check.key) return null;
    return (client) => plainSet(client, named(op.key), op.value, op.expiresAt, present ? 'XX' : 'NX');
  }
  if (!op) return async () => ({ ok: true, counts: [] });
  const key = named(op.key);
  switch (op.op) {
    case 'set':
      return (client) => plainSet(client, key, op.value, op.expiresAt);
    case 'delete':
      return (client) => counted(client.unlink(key));
    case 'touch': {
      const { expiresAt } = op;
      if (expiresAt === null)
        return (client) => counted(callScript(client, persistScript, [key], []) as Promise<number>);
      return (client) => counted(client.pexpireat(key, expiresAt));
    }
    case 'setFields':
      return op.expiresAt === 'keep'
        ? (client) => counted(client.hset(key, ...Object.entries(op.fields).flat()))
        : null;
    case 'deleteFields':
      return (client) => counted(client.hdel(key, ...op.fields));
  }
}

/** SET with the expiry and the condition it knows itself. */
async function plainSet(
  client: Redis,
  key: string,
  value: string | Uint8Array,
  expiresAt: Expiry,
  condition?: 'NX' | 'XX',
): Promise<CommitResult> {
  const args: (string | number)[] = [];
  if (expiresAt === 'keep') args.push('KEEPTTL');
  else if (expiresAt !== null) args.push('PXAT', expiresAt);
  if (condition) args.push(condition);
  const answer = await client.call('SET', key, toArgument(value), ...args);
  return answer === null ? { ok: false, failed: 0 } : { ok: true, counts: [1] };
}

/** What `commitScript` takes: each key once, checks and ops naming it by number. */
export function commitArguments(
  checks: readonly KeyCheck[],
  ops: readonly KeyOp[],
): { readonly keys: readonly string[]; readonly args: readonly RedisArgument[] } {
  const numbers = new Map<string, number>();
  const number = (key: string): number => {
    const known = numbers.get(key) ?? numbers.size + 1;
    numbers.set(key, known);
    return known;
  };
  const args: RedisArgument[] = [checks.length];
  for (const { key, is } of checks) {
    if (typeof is === 'object') args.push(number(key), 'version', is.version);
    else args.push(number(key), is, '');
  }
  for (const op of ops) {
    const further = furtherArguments(op);
    const expiresAt = 'expiresAt' in op ? op.expiresAt : 'keep';
    args.push(op.op, number(op.key), expiresAt ?? 'never', further.length, ...further);
  }
  return { keys: [...numbers.keys()], args };
}

function furtherArguments(op: KeyOp): readonly RedisArgument[] {
  switch (op.op) {
    case 'set':
      return [toArgument(op.value)];
    case 'setFields':
      return Object.entries(op.fields).flat();
    case 'deleteFields':
      return op.fields;
    case 'delete':
    case 'touch':
      return [];
  }
}
