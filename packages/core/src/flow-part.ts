import { PortolanError } from './errors.ts';
import { decodeSealed, unknownKey } from './job-cipher.ts';
import { decodeFailure, encodeFailure, type JobFailure, parseJobId } from './job-envelope.ts';
import type { OwedPart } from './ports/queue-flow.ts';
import { decodeJson } from './schema.ts';

export type ChildPolicy = 'fail' | 'pass';

/** How a child finished, as its parent's handler sees it. */
export interface ChildOutcome {
  readonly id: string;
  readonly state: 'completed' | 'failed' | 'cancelled';
  /** Of a completed one. One of more than 64 KiB of JSON is read from the child's own record, and missing when that is no longer kept. */
  readonly result?: unknown;
  readonly error?: JobFailure;
}

/** Whom a job's outcome is owed to, and under which name; `NewJob.parent` is this as JSON. */
export interface ParentAddress {
  readonly id: string;
  readonly key: string;
  readonly policy: ChildPolicy;
}

export function encodeParent({ id, key, policy }: ParentAddress): string {
  return JSON.stringify({ id, key, policy });
}

/** Undefined for a text that is not ours. */
export function decodeParent(text: string): ParentAddress | undefined {
  try {
    const { id, key, policy } = decodeJson(text, 'a parent') as Partial<ParentAddress>;
    if (typeof id !== 'string' || typeof key !== 'string' || (policy !== 'fail' && policy !== 'pass')) return undefined;
    parseJobId(id);
    return { id, key, policy };
  } catch {
    return undefined;
  }
}

/** Larger results are not handed up: a parent of a thousand children keeps a part of each. */
const MAX_RESULT_BYTES = 64 * 1024;

/** A part as it is stored with the parent: the outcome, without a result that is too large. */
export function encodePart(child: string, { state, text }: Pick<OwedPart, 'state' | 'text'>): string {
  const head = `"id":${JSON.stringify(child)},"state":"${state}"`;
  if (text === null) return `{${head}}`;
  if (state !== 'completed') return `{${head},"error":${text}}`;
  const large = text.length * 3 > MAX_RESULT_BYTES && Buffer.byteLength(text) > MAX_RESULT_BYTES;
  return large ? `{${head},"large":true}` : `{${head},"result":${text}}`;
}

/** `large`: the result stands with the child only. Throws INTERNAL for what `encodePart` never made. */
export function decodePart(text: string): { readonly outcome: ChildOutcome; readonly large: boolean } {
  const sealed = decodeSealed(text);
  if (sealed) throw unknownKey('what a child answered', sealed.key);
  const found = decodeJson(text, 'a part of a job') as { readonly [name: string]: unknown } | null;
  const { id, state, result, error, large } = found ?? {};
  if (typeof id !== 'string' || (state !== 'completed' && state !== 'failed' && state !== 'cancelled')) {
    throw new PortolanError('INTERNAL', 'a part of a job does not hold an outcome');
  }
  const outcome: ChildOutcome = {
    id,
    state,
    ...(result === undefined ? {} : { result }),
    ...(error === undefined ? {} : { error: decodeFailure(JSON.stringify(error)) }),
  };
  return { outcome, large: large === true };
}

/** The error of a parent that this outcome fails. */
export function childFailure(key: string, child: string, { state, text }: Pick<OwedPart, 'state' | 'text'>): string {
  const name = `child ${JSON.stringify(key)} (${child})`;
  if (state === 'cancelled') return encodeFailure(new PortolanError('CANCELLED', `${name} was cancelled`));
  const { code, message } = decodeFailure(text ?? 'null');
  return encodeFailure(new PortolanError(code, `${name} failed: ${message}`));
}
