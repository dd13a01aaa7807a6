import type { CommandOutcome, CommandReply } from './command.ts';
import { ERROR_CODES, type ErrorCode, PortolanError } from './errors.ts';
import type { Member, TopicRetention } from './ports/broadcast.ts';
import { encodeJson } from './schema.ts';

const HOUR_MS = 3_600_000;

/** How commands lie in topics. `~` opens no name that a user can choose. */
export const COMMANDS_TOPIC = '~commands';
export const COMMANDS_RETENTION: TopicRetention = { count: 4_096, ms: HOUR_MS, resumeMs: 168 * HOUR_MS };
export const repliesTopic = (commandId: string): string => `~replies.${commandId}`;
/** Kept for an hour, so that a reloaded page can still read them. */
export const REPLIES_RETENTION: TopicRetention = { count: 10_000, ms: HOUR_MS, resumeMs: 0 };
/** Of the arguments, and of one result, as JSON. */
const MAX_BYTES = 65_536;

/** JSON text of arguments or a result; nothing stays nothing. Throws TOO_LARGE. */
export function encodeCommandValue(value: unknown, what: string): string | undefined {
  if (value === undefined) return undefined;
  const text = encodeJson(value, what);
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_BYTES) return text;
  throw new PortolanError('TOO_LARGE', `${what}: ${bytes} bytes of JSON, at most ${MAX_BYTES} are allowed`);
}

/** A command on its way. */
export interface CommandEnvelope {
  readonly id: string;
  readonly name: string;
  readonly args?: unknown;
  /** Only instances of this role run it. */
  readonly role?: string;
  readonly timeoutMs: number;
  readonly from: string;
}

/** Who an instance is, as its member record says. */
export interface InstanceInfo {
  readonly role: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  /** ms on the instance's own clock. */
  readonly startedAt: number;
}

/** A live instance. */
export interface Instance extends InstanceInfo {
  readonly instance: string;
  /** ms on the store's clock. */
  readonly lastSeen: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** The object in the text; undefined for anything else, as a process of another version or a stranger may have written it. */
function fieldsOf(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

export function decodeEnvelope(text: string): CommandEnvelope | undefined {
  const { id, name, args, role, timeoutMs, from } = fieldsOf(text) ?? {};
  if (typeof id !== 'string' || typeof name !== 'string' || typeof timeoutMs !== 'number') return undefined;
  return {
    id,
    name,
    args,
    timeoutMs,
    from: typeof from === 'string' ? from : '',
    ...(typeof role === 'string' ? { role } : {}),
  };
}

const OUTCOMES: readonly unknown[] = ['ok', 'failed', 'skipped'] satisfies CommandOutcome[];

export function decodeReply(text: string): CommandReply | undefined {
  const { instance, role, host, pid, outcome, result, error, ms } = fieldsOf(text) ?? {};
  if (typeof instance !== 'string' || !OUTCOMES.includes(outcome)) return undefined;
  return {
    instance,
    role: String(role),
    host: String(host),
    pid: Number(pid),
    outcome: outcome as CommandOutcome,
    ...(result === undefined ? {} : { result }),
    ...(error === undefined ? {} : { error: decodeError(error) }),
    ms: Number(ms),
  };
}

function decodeError(error: unknown): { code: ErrorCode; message: string } {
  const { code, message } = (typeof error === 'object' && error !== null ? error : {}) as Fields;
  const known = ERROR_CODES.find((one) => one === code);
  return { code: known ?? 'INTERNAL', message: String(message) };
}

export function decodeInstance(member: Member): Instance | undefined {
  const { role, host, pid, version, startedAt } = fieldsOf(member.info) ?? {};
  if (typeof role !== 'string') return undefined;
  return {
    instance: member.id,
    role,
    host: String(host),
    pid: Number(pid),
    version: String(version),
    startedAt: Number(startedAt),
    lastSeen: member.lastSeen,
  };
}
