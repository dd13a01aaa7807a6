import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Issue, PortolanError } from './errors.ts';

/** Any schema that speaks Standard Schema: zod, valibot, arktype and others. */
export type Schema<Out = unknown, In = unknown> = StandardSchemaV1<In, Out>;
export type InputOf<S extends Schema> = StandardSchemaV1.InferInput<S>;
export type OutputOf<S extends Schema> = StandardSchemaV1.InferOutput<S>;

function toIssue(issue: StandardSchemaV1.Issue): Issue {
  const path = (issue.path ?? []).map((part) => {
    const key = typeof part === 'object' ? part.key : part;
    return typeof key === 'number' ? key : String(key);
  });
  return { path, message: issue.message };
}

/** One line that names the first wrong fields: `user.age: expected number`. */
export function describeIssues(issues: readonly Issue[]): string {
  const shown = issues.slice(0, 3).map((issue) => `${issue.path.join('.') || '(whole value)'}: ${issue.message}`);
  return shown.join('; ') + (issues.length > 3 ? ` (and ${issues.length - 3} more)` : '');
}

/**
 * The schema's output for `value`. Throws INVALID with every issue and its path; `what` opens the message
 * ("user 7", "input of job pages.fetch").
 */
export async function parse<S extends Schema>(schema: S, value: unknown, what: string): Promise<OutputOf<S>> {
  return parseSoon(schema, value, what);
}

/** Like `parse`, without a promise where the schema needs none. */
export function parseSoon<S extends Schema>(
  schema: S,
  value: unknown,
  what: string,
): OutputOf<S> | Promise<OutputOf<S>> {
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then((one) => outputOf<S>(one, what)) : outputOf<S>(result, what);
}

function outputOf<S extends Schema>(result: StandardSchemaV1.Result<unknown>, what: string): OutputOf<S> {
  if (!result.issues) return result.value as OutputOf<S>;
  const issues = result.issues.map(toIssue);
  throw new PortolanError('INVALID', `${what}: ${describeIssues(issues)}`, { issues });
}

/** What a message is about; a function where putting the words together for every call would cost. */
type What = string | (() => string);

const words = (what: What): string => (typeof what === 'string' ? what : what());

/** The path of the first number in a JSON value that JSON cannot say. */
function findNonFinite(value: unknown, path: string): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : path || '(whole value)';
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return undefined;
  for (const [key, member] of Object.entries(value)) {
    const found = findNonFinite(member, path ? `${path}.${key}` : key);
    if (found) return found;
  }
  return undefined;
}

/** The path and class of the first object of which JSON keeps nothing though it may hold something: a Map, a Set, an Error, an object of private fields. */
function findEmptied(value: unknown, path: string): string | undefined {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return undefined;
  const entries = Object.entries(value);
  if (entries.length === 0 && !isPlainObject(value) && !Array.isArray(value)) {
    return `${path || '(whole value)'} is a ${(value.constructor as { readonly name: string } | undefined)?.name ?? 'foreign object'}, of which JSON keeps nothing`;
  }
  for (const [key, member] of entries) {
    const found = findEmptied(member, path ? `${path}.${key}` : key);
    if (found) return found;
  }
  return undefined;
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Is a value that `encodeJson` takes the same after it was stored? Not so when it holds a Date or anything else with `toJSON`, an instance of a class, or an
 * array with undefined in it: then only the text tells what there is.
 */
export function survivesJson(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every((member) => member !== undefined && survivesJson(member));
  if (!isPlainObject(value) || 'toJSON' in value) return false;
  for (const key in value) {
    if (!survivesJson((value as { readonly [key: string]: unknown })[key])) return false;
  }
  return true;
}

/**
 * A value as JSON text. Throws INVALID for what JSON cannot say: undefined, a function, a cycle, a BigInt, NaN and the infinities, a Map, a Set, an Error. As
 * JSON has it, members that are undefined are left out, instances of classes are their fields, and objects with `toJSON` speak for themselves (a Date becomes
 * its ISO text).
 */
export function encodeJson(value: unknown, what: What): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new PortolanError('INVALID', `${words(what)} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (text === undefined) throw new PortolanError('INVALID', `${words(what)} is not JSON: it is ${typeof value}`);
  // JSON.stringify says null for a number that is none; only a text with a null can hide one.
  const wrong = text.includes('null') ? findNonFinite(value, '') : undefined;
  if (wrong) throw new PortolanError('INVALID', `${words(what)} is not JSON: ${wrong} is not a finite number`);
  const lost = text.includes('{}') ? findEmptied(value, '') : undefined;
  if (lost) throw new PortolanError('INVALID', `${words(what)} is not JSON: ${lost}`);
  return text;
}

/** The value of stored JSON text. Throws INTERNAL naming `what` when somebody stored something else there. */
export function decodeJson(text: string, what: What): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PortolanError('INTERNAL', `${words(what)} does not hold JSON`, { cause });
  }
}

/** What `read` answers; undefined where it throws INTERNAL, since somebody else wrote what it reads. For lists, which one such entry must not spoil. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (PortolanError.is(error) && error.code === 'INTERNAL') return undefined;
    throw error;
  }
}
