import { invalid } from './errors.ts';

const MAX_KEY_BYTES = 512;

/**
 * Checks a key: 1 to 512 bytes of well-formed UTF-8 without control characters. Nothing is folded or stripped, so
 * two keys never become one. Throws INVALID naming `what`.
 */
export function checkKey(key: string, what = 'key'): string {
  if (typeof key !== 'string') throw invalid(`${what}: must be text`);
  if (key.length === 0) throw invalid(`${what}: must not be empty`);
  if (!key.isWellFormed()) throw invalid(`${what}: not well-formed Unicode`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
  if (/[\u0000-\u001f\u007f]/.test(key))
    throw invalid(`${what} ${JSON.stringify(key)}: control characters are not allowed`);
  if (key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw invalid(`${what}: longer than ${MAX_KEY_BYTES} bytes`);
  }
  return key;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

/** Checks the name of a queue, collection, topic or job: it starts with a letter or digit. Throws INVALID naming `what`. */
export function checkName(name: string, what: string): string {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw invalid(
      `${what} ${JSON.stringify(String(name).slice(0, 140))}: 1 to 128 letters, digits, dots, dashes or underscores, starting with a letter or digit`,
    );
  }
  return name;
}

/**
 * What Redis Cluster hashes to place a key, under any prefix without braces: the text between its first `{` and the next `}`. Null when
 * there is none or it is empty; such a key shares a slot with itself only.
 */
function keyTag(key: string): string | null {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  return close > open + 1 ? key.slice(open + 1, close) : null;
}

/**
 * Checks that the keys of one atomic step are one key or share a `{tag}`, on every adapter alike, so that what works on a laptop works on
 * a cluster. Throws INVALID naming the two that do not.
 */
export function checkSameSlot(keys: readonly string[]): void {
  const [first, ...others] = keys;
  if (first === undefined) return;
  const tag = keyTag(first);
  const stray = others.find((key) => key !== first && (tag === null || keyTag(key) !== tag));
  if (stray !== undefined) {
    throw invalid(
      `keys ${JSON.stringify(first)} and ${JSON.stringify(stray)}: the keys of one commit must share a {tag}, as in {order:7}:lines`,
    );
  }
}
