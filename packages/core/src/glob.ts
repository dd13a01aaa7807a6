/**
 * The portable glob, the same on every adapter: `*` matches any run of characters, `?` one character (a Unicode code
 * point), `\` takes the next character literally; everything else is itself. There are no classes and no alternatives.
 */
type Token = { readonly kind: 'any' } | { readonly kind: 'one' } | { readonly kind: 'literal'; readonly text: string };

function tokens(glob: string): Token[] {
  const out: Token[] = [];
  const characters = [...glob];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string;
    if (character === '*') out.push({ kind: 'any' });
    else if (character === '?') out.push({ kind: 'one' });
    else if (character === '\\' && at + 1 < characters.length)
      out.push({ kind: 'literal', text: characters[++at] as string });
    else out.push({ kind: 'literal', text: character });
  }
  return out;
}

/** A test for keys. Linear time for any pattern and key: no backtracking beyond the last `*`. */
export function globMatcher(glob: string): (key: string) => boolean {
  const pattern = tokens(glob);
  if (pattern.length === 1 && pattern[0]?.kind === 'any') return () => true;
  return (key) => {
    const text = [...key];
    let t = 0;
    let p = 0;
    let starAt = -1;
    let starText = 0;
    while (t < text.length) {
      const token = pattern[p];
      if (token?.kind === 'any') {
        starAt = p++;
        starText = t;
      } else if (token && (token.kind === 'one' || (token.kind === 'literal' && token.text === text[t]))) {
        p++;
        t++;
      } else if (starAt >= 0) {
        p = starAt + 1;
        t = ++starText;
      } else return false;
    }
    while (pattern[p]?.kind === 'any') p++;
    return p === pattern.length;
  };
}

/**
 * The literal texts that every match begins and ends with (they never overlap), and whether the glob has no wildcard at all: then
 * `prefix` is the one key that matches. What a store uses to narrow a scan before `globMatcher` decides.
 */
export function globEnds(glob: string): { readonly prefix: string; readonly suffix: string; readonly exact: boolean } {
  const all = tokens(glob);
  const text = (some: readonly Token[]) => some.map((token) => (token.kind === 'literal' ? token.text : '')).join('');
  const first = all.findIndex((token) => token.kind !== 'literal');
  if (first < 0) return { prefix: text(all), suffix: '', exact: true };
  const last = all.findLastIndex((token) => token.kind !== 'literal');
  return { prefix: text(all.slice(0, first)), suffix: text(all.slice(last + 1)), exact: false };
}

/** The text that every match begins with: where an ordered store starts its range. */
export function globPrefix(glob: string): string {
  return globEnds(glob).prefix;
}

/** A glob that matches exactly the keys that begin with `prefix`. */
export function prefixGlob(prefix: string): string {
  return `${prefix.replace(/[*?\\]/g, '\\$&')}*`;
}
