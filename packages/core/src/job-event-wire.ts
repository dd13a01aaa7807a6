import { ERROR_CODES } from './errors.ts';
import { type JobCipher, type Sealed, sealedOf, unknownKey } from './job-cipher.ts';
import { type JobFailure, jobId } from './job-envelope.ts';
import { JOB_EVENT_TYPES, type JobEvent } from './job-event.ts';
import type { NewMessage, TopicRetention } from './ports/broadcast.ts';
import { decodeJson } from './schema.ts';

const HOUR_MS = 3_600_000;

/** How events lie in topics. `~` opens no name that a user can choose. */
export const eventsTopic = (queue: string): string => `~events.${queue}`;
/** With `MESSAGE_CHARACTERS` some 4 MiB for a queue at most, and for a busy one some 40,000 events. */
export const EVENTS_RETENTION: TopicRetention = { count: 1_000, ms: HOUR_MS, resumeMs: 24 * HOUR_MS };
/** Events share messages, so that a store has one entry to write for many jobs. */
const MESSAGE_CHARACTERS = 4_096;
const MAX_ERROR_CHARACTERS = 300;

/** An event in a message: with the id that the store knows the job by. */
type WireEvent = Pick<JobEvent, 'type' | 'id' | 'name' | 'attempt' | 'ms'> & {
  readonly error?: JobFailure | { readonly code: string; readonly sealed: Sealed };
};

/** Events that came together, in order. */
export interface EventMessage {
  /** Undefined in the place of what is no event of this version. */
  readonly events: readonly (WireEvent | undefined)[];
  /** How many before them their process could not publish. */
  readonly lost: number;
}

const placeOf = (id: string): string => `event:${id}`;

function encodeEvent({ type, id, queue, name, attempt, ms, error }: JobEvent, cipher: JobCipher | undefined): string {
  const wire: WireEvent = { type, id: id.slice(queue.length + 1), name, attempt, ms };
  return JSON.stringify(error ? { ...wire, error: toWireError(error, id, cipher) } : wire);
}

function toWireError({ code, message }: JobFailure, id: string, cipher: JobCipher | undefined): WireEvent['error'] {
  const cut = message.slice(0, MAX_ERROR_CHARACTERS);
  return cipher ? { code, sealed: cipher.seal(cut, placeOf(id)) } : { code, message: cut };
}

/** As few messages as hold them. `lost` is told with the first. */
export function packEvents(events: readonly JobEvent[], lost: number, cipher: JobCipher | undefined): NewMessage[] {
  const messages: NewMessage[] = [];
  let head = lost > 0 ? `{"lost":${lost},"events":[` : '{"events":[';
  let text = '';
  const close = () => {
    messages.push({ data: `${head}${text}]}` });
    head = '{"events":[';
    text = '';
  };
  for (const event of events) {
    const encoded = encodeEvent(event, cipher);
    if (text !== '' && text.length + encoded.length > MESSAGE_CHARACTERS) close();
    text = text === '' ? encoded : `${text},${encoded}`;
  }
  close();
  return messages;
}

/** Throws INTERNAL for what is not JSON. */
export function readEventMessage(data: string): EventMessage {
  const { events, lost } = Object(decodeJson(data, 'a message of events')) as Partial<
    Record<keyof EventMessage, unknown>
  >;
  return {
    events: Array.isArray(events) ? events.map(toWireEvent) : [],
    lost: typeof lost === 'number' ? lost : 0,
  };
}

function toWireEvent(value: unknown): WireEvent | undefined {
  const { type, id, name, attempt, ms, error } = Object(value) as Partial<Record<keyof WireEvent, unknown>>;
  const known = JOB_EVENT_TYPES.find((one) => one === type);
  if (!known || typeof id !== 'string') return undefined;
  return {
    type: known,
    id,
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof attempt === 'number' ? { attempt } : {}),
    ...(typeof ms === 'number' ? { ms } : {}),
    ...(typeof error === 'object' && error !== null ? { error: error as NonNullable<WireEvent['error']> } : {}),
  };
}

export function toJobEvent(queue: string, { error, ...wire }: WireEvent, cipher: JobCipher | undefined): JobEvent {
  const id = jobId(queue, wire.id);
  return { ...wire, id, queue, ...(error ? { error: toFailure(error, id, cipher) } : {}) };
}

function toFailure(error: NonNullable<WireEvent['error']>, id: string, cipher: JobCipher | undefined): JobFailure {
  const code = ERROR_CODES.find((one) => one === error.code) ?? 'INTERNAL';
  const sealed = sealedOf(error);
  if (!sealed) return { code, message: String((error as Partial<JobFailure>).message) };
  return { code, message: cipher?.open(sealed, placeOf(id)) ?? unknownKey('what it says', sealed.key).message };
}
