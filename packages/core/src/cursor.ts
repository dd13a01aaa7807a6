import { invalid } from './errors.ts';

/** A cursor that callers pass back and do not read: JSON in base64url, safe in a URL. */
export function encodeCursor(content: unknown): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

/**
 * What `read` makes of a cursor's content, which comes from outside and may be anything; undefined from `read` refuses it. Throws
 * INVALID for a refused cursor and for what `encodeCursor` never made.
 */
export function decodeCursor<T>(cursor: string, read: (content: unknown) => T | undefined): T {
  let found: T | undefined;
  try {
    found = read(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    found = undefined;
  }
  if (found === undefined) throw invalid('cursor: not one that this listing answered');
  return found;
}
