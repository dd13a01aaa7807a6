import { createHash } from 'node:crypto';
import { invalid } from './errors.ts';
import { checkName } from './names.ts';

const MAX_BYTES = 200;
const MAX_DEPTH = 32;
const BARE = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/**
 * The cache key of a call: `name:` and its arguments in a canonical, readable form, the same for every order of an object's
 * keys (and of query parameters) and different for values of different types: `universities:(country="Spain",page=2)`. One longer than
 * 200 bytes is `name:#` and 128 bits of SHA-256. Properties that are undefined count as absent. Throws INVALID for what has no canonical form.
 */
export function cacheKey(name: string, args: unknown): string {
  checkName(name, 'cache key name');
  const text = canonical(args, 0);
  const key = `${name}:${text}`;
  if (Buffer.byteLength(key) <= MAX_BYTES) return key;
  return `${name}:#${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
}

/** JSON with control characters escaped, DEL included, which keys may not hold. */
const quote = (text: string): string => JSON.stringify(text).replaceAll('\u007f', '\\u007f');

function canonical(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw invalid(`cache key: arguments nested deeper than ${MAX_DEPTH} (or a cycle)`);
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      return String(value + 0);
    case 'bigint':
      return `${value}n`;
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : composite(value, depth);
    default:
      throw invalid(`cache key: a ${typeof value} has no canonical form`);
  }
}

function composite(value: object, depth: number): string {
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one, depth + 1)).join(',')}]`;
  if (value instanceof Date) return `d${value.getTime()}`;
  if (value instanceof URLSearchParams) return `q${composite(byName(value), depth)}`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw invalid(`cache key: a ${value.constructor?.name ?? 'class instance'} has no canonical form`);
  }
  const parts = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => `${BARE.test(name) ? name : quote(name)}=${canonical(one, depth + 1)}`);
  return `(${parts.join(',')})`;
}

/** Query parameters: the order between names does not matter, the order of one name's values does. */
function byName(query: URLSearchParams): object {
  const names = [...new Set(query.keys())];
  return Object.fromEntries(names.map((name) => [name, query.getAll(name)]));
}
