const LAST = 0x10ffff;
const SURROGATES = { first: 0xd800, last: 0xdfff };

/**
 * The first text, in the order of UTF-8 bytes in which SQLite compares, that comes after every text with this prefix; null when there is none (an
 * empty prefix). So `key >= prefix AND key < prefixEnd(prefix)` are the keys with the prefix.
 */
export function prefixEnd(prefix: string): string | null {
  const characters = [...prefix];
  for (let last = characters.pop(); last !== undefined; last = characters.pop()) {
    const point = last.codePointAt(0) ?? LAST;
    if (point === LAST) continue;
    const next = point + 1 === SURROGATES.first ? SURROGATES.last + 1 : point + 1;
    return characters.join('') + String.fromCodePoint(next);
  }
  return null;
}

/** In the order in which SQLite compares texts. */
export const isBefore = (text: string, other: string): boolean =>
  Buffer.compare(Buffer.from(text), Buffer.from(other)) < 0;
