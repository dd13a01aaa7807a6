import { invalid } from './errors.ts';

const MAX_KEY_BYTES = 512;

/**
 * Checks a key: 1 to 512 bytes of well-formed UTF-8 without control characters. Nothing is folded or stripped, so
 * two keys never become one. Throws INVALID naming `what`.
 */
export function checkKey(key: string, what = 'key'): string {
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
  if (!NAME.test(name)) {
    throw invalid(
      `${what} ${JSON.stringify(name.slice(0, 140))}: 1 to 128 letters, digits, dots, dashes or underscores, starting with a letter or digit`,
    );
  }
  return name;
}
