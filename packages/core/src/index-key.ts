import { invalid } from './errors.ts';

/** What an index can order. Ordered null < false < true < numbers < strings; strings by Unicode code point. */
export type IndexValue = null | boolean | number | string;

/** Bounds what one entry can cost a store. */
const MAX_KEY_LENGTH = 4_096;
/** Between the parts of a compound key, and (twice) between a key and its id. Sorts below every character of a part. */
const SEPARATOR = ' ';
/** Sorts directly above the separator: `key + AFTER` is above all keys that begin with the parts of `key`, and below the next part. */
const AFTER = '!';

/**
 * Text as printable ASCII without a space whose byte order is the order of the text's code points, and whose prefixes stay prefixes: the
 * UTF-8 bytes 0x22–0x7D as they are, lower ones as `!hh`, higher ones as `~hh`. Throws INVALID for lone surrogates.
 */
export function encodeText(text: string, what = 'text'): string {
  if (!text.isWellFormed()) throw invalid(`${what}: not well-formed Unicode`);
  if (/^["-}]*$/.test(text)) return text;
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    if (byte >= 0x22 && byte <= 0x7d) encoded += String.fromCharCode(byte);
    else encoded += (byte < 0x22 ? '!' : '~') + byte.toString(16).padStart(2, '0');
  }
  return encoded;
}

/** The text that `encodeText` made this of. */
export function decodeText(encoded: string): string {
  if (!/[!~]/.test(encoded)) return encoded;
  const bytes = encoded.replace(/[!~](..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}

/** An IEEE-754 double as 16 hexadecimal digits in the order of the numbers: positive ones get the sign bit, negative ones are inverted. */
function encodeNumber(value: number): string {
  const bits = Buffer.alloc(8);
  bits.writeDoubleBE(value === 0 ? 0 : value);
  const raw = bits.readBigUInt64BE();
  const sortable = raw >> 63n ? ~raw : raw | (1n << 63n);
  return BigInt.asUintN(64, sortable).toString(16).padStart(16, '0');
}

/** The first character tells the type and orders the types. */
function encodePart(value: unknown, what: string): string {
  if (value === null) return '-';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'string') return `s${encodeText(value, what)}`;
  if (typeof value === 'number' && !Number.isNaN(value)) return `n${encodeNumber(value)}`;
  throw invalid(`${what}: ${Number.isNaN(value) ? 'NaN' : typeof value} cannot be ordered`);
}

/**
 * An index key as printable ASCII: comparing the bytes of two keys compares their values, part by part; a key that has more parts
 * sorts after its prefix. `what` names the index in errors. Throws INVALID for NaN, other types, no part, and more than 4,096 characters.
 */
export function encodeIndexKey(value: IndexValue | readonly IndexValue[], what: string): string {
  const parts: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (parts.length === 0) throw invalid(`${what}: a compound key needs at least one part`);
  const key = parts.map((part) => encodePart(part, what)).join(SEPARATOR);
  if (key.length > MAX_KEY_LENGTH)
    throw invalid(`${what}: the key is longer than ${MAX_KEY_LENGTH} encoded characters`);
  return key;
}

/** The exclusive upper bound of the keys whose first parts are those of `key`. */
export const afterPrefix = (key: string): string => key + AFTER;

/**
 * A key and an id as one text that sorts by key, then by id: what an ordered store without columns keeps, and the position in a walk on
 * every adapter. A key of null is the walk by id.
 */
export function indexMember(key: string | null, id: string): string {
  return key === null ? encodeText(id, 'id') : key + SEPARATOR + SEPARATOR + encodeText(id, 'id');
}

/** The bounds, inclusive and exclusive, of the members with exactly this key. */
export function membersOf(key: string): readonly [from: string, to: string] {
  return [key + SEPARATOR + SEPARATOR, key + SEPARATOR + AFTER];
}
