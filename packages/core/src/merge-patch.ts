import { invalid } from './errors.ts';

/** Deeper patches would exhaust the stack. */
const MAX_DEPTH = 500;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `target.__proto__ = …` would set the prototype; JSON may hold the name like any other. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/**
 * The JSON merge patch of RFC 7396: objects merge key by key, null removes a key, anything else (arrays too) replaces. A key whose value is
 * undefined is not in the patch, as in JSON text. Neither argument is changed; the result may share parts of both. Throws INVALID for
 * a patch deeper than 500 levels.
 */
export function mergePatch(target: unknown, patch: unknown, depth = 0): unknown {
  if (!isObject(patch)) return patch;
  if (depth >= MAX_DEPTH) throw invalid(`merge patch: deeper than ${MAX_DEPTH} levels`);
  const merged: Record<string, unknown> = {};
  if (isObject(target)) for (const [key, value] of Object.entries(target)) setOwn(merged, key, value);
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) delete merged[key];
    else setOwn(merged, key, mergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, value, depth + 1));
  }
  return merged;
}
