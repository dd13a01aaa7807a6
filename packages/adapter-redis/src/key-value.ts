import type {
  CommitResult,
  Expiry,
  KeyCheck,
  KeyInfo,
  KeyOp,
  KeyValuePort,
  StoredValue,
  ValueForm,
  ValueOf,
} from '@portolan/core';
import type { Redis } from 'ioredis';
import { callScript, type RedisArgument, type RedisContext } from './connection.ts';
import { commitScript, describeScript, persistScript, readFieldsScript, readScript } from './key-value-scripts.ts';
import { scanKeys } from './scan.ts';

/**
 * `NAMESPACE:kv:KEY`: a string (JSON text or bytes) or a hash of fields, nothing beside it. A commit of one op is one plain command where
 * Redis has it, else one script; commands of the same tick travel in one pipeline.
 */
export function redisKeyValue(context: RedisContext): KeyValuePort {
  const prefix = context.key('kv', '');
  const named = (key: string): string => prefix + key;

  /** One MGET: measured 2.7 to 3.5 times the keys per second of pipelined GETs from 10 keys on, and it answers null for a hash. On a cluster, one each. */
  async function readValues(
    client: Redis,
    keys: readonly string[],
    form: ValueForm,
  ): Promise<(string | Buffer | null)[]> {
    const mget = (some: string[]) => (form === 'bytes' ? client.mgetBuffer(some) : client.mget(some));
    if (!client.isCluster) return mget([...keys]);
    return (await Promise.all(keys.map((key) => mget([key])))).flat();
  }

  return {
    async read<F extends ValueForm>(keys: readonly string[], want: { readonly as: F; readonly expiry?: boolean }) {
      if (!want.expiry) {
        const values = await context.run((client) => readValues(client, keys.map(named), want.as));
        return values.map((value) => (value === null ? null : { value: value as ValueOf<F> }));
      }
      const rows = await context.run((client) =>
        Promise.all(keys.map((key) => callScript(client, readScript, [named(key)], [], want.as))),
      );
      return rows.map((row): StoredValue<F> | null => {
        if (row === null) return null;
        const [value, expiresAt] = row as [ValueOf<F>, number];
        return { value, expiresAt: fromRedisExpiry(expiresAt) };
      });
    },

    async readFields(key, fields) {
      if (!fields) {
        const all = await context.run((client) => client.hgetall(named(key)));
        return Object.keys(all).length > 0 ? all : null;
      }
      const values = (await context.script(readFieldsScript, [named(key)], fields)) as (string | null)[] | null;
      if (values === null) return null;
      return Object.fromEntries(fields.map((field, at) => [field, values[at]] as const).filter(hasText));
    },

    async commit(checks, ops): Promise<CommitResult> {
      const plain = plainCommand(checks, ops, named);
      if (plain) return context.run(plain);
      const { keys, args } = commitArguments(checks, ops);
      const [ok, ...counts] = (await context.script(commitScript, keys.map(named), args)) as number[];
      return ok === 1 ? { ok: true, counts } : { ok: false, failed: counts[0] ?? 0 };
    },

    async scan({ match, cursor, limit }) {
      const page = await scanKeys(context, { prefix, match, cursor, limit });
      const rows = await Promise.all(page.keys.map((key) => context.script(describeScript, [named(key)], [])));
      const items = rows.flatMap((row, at): KeyInfo[] => {
        if (row === null) return [];
        const [type, expiresAt, size] = row as ['value' | 'fields', number, number];
        return [{ key: page.keys[at] as string, type, expiresAt: fromRedisExpiry(expiresAt), size }];
      });
      return { items, cursor: page.cursor };
    },
  };
}

const fromRedisExpiry = (expiresAt: number): number | null => (expiresAt < 0 ? null : expiresAt);

const hasText = (entry: readonly [string, string | null | undefined]): entry is readonly [string, string] =>
  typeof entry[1] === 'string';

const toArgument = (value: string | Uint8Array): string | Buffer =>
  typeof value === 'string' ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);

const counted = async (count: Promise<number>): Promise<CommitResult> => ({ ok: true, counts: [await count] });

/** The commit as one command of Redis, where it has one: at most one op, and no check or one of presence on the key of a set. */
function plainCommand(
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
function commitArguments(
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
