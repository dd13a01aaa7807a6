import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { invalid, PortolanError } from './errors.ts';

/** A key that payloads are encrypted with. */
export interface PayloadKey {
  /** Stored in clear beside what it encrypts: 1 to 64 letters, digits, dots, dashes or underscores. Another key needs another id. */
  readonly id: string;
  /** 32 bytes of chance. */
  readonly key: Uint8Array;
}

/** A text as it is stored under a key: `box` is initialisation vector, tag and ciphertext in base64. */
export interface Sealed {
  readonly key: string;
  readonly box: string;
}

const KEY_ID = /^[A-Za-z0-9_.-]{1,64}$/;
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * AES-256-GCM under the first of the keys; opens what any of them sealed. Each text has a place, such as "data of this job", and opens nowhere else: the place is
 * additional data, and each place has a key of its own, derived by HMAC-SHA-256, so that no number of texts wears out the vectors of one key. Some 20 µs a text.
 */
export class JobCipher {
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #first: string;

  /** Throws INVALID, which tells nothing of a key, for keys that are none. */
  constructor(keys: readonly PayloadKey[]) {
    for (const { id, key } of keys) {
      if (!KEY_ID.test(id)) throw invalid('payloadKeys: an id is 1 to 64 letters, digits, dots, dashes or underscores');
      if (key.byteLength !== KEY_BYTES) throw invalid(`payloadKeys: key ${id} has not ${KEY_BYTES} bytes`);
    }
    const [first] = keys;
    this.#keys = new Map(keys.map(({ id, key }) => [id, createSecretKey(key)]));
    if (!first || this.#keys.size < keys.length) throw invalid('payloadKeys: at least one, each with an id of its own');
    this.#first = first.id;
  }

  seal(text: string, place: string): Sealed {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#keyOf(this.#first, place), iv).setAAD(Buffer.from(place));
    const sealed = [cipher.update(text, 'utf8'), cipher.final()];
    return { key: this.#first, box: Buffer.concat([iv, cipher.getAuthTag(), ...sealed]).toString('base64') };
  }

  /** Undefined when the key is not known, or not the one that sealed this text for this place. */
  open({ key, box }: Sealed, place: string): string | undefined {
    if (!this.#keys.has(key)) return undefined;
    const bytes = Buffer.from(box, 'base64');
    const [iv, tag] = [bytes.subarray(0, IV_BYTES), bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)];
    if (tag.length < TAG_BYTES) return undefined;
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#keyOf(key, place), iv, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(place)).setAuthTag(tag);
      return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }

  #keyOf(id: string, place: string): Buffer {
    return createHmac('sha256', this.#keys.get(id) as KeyObject)
      .update(place)
      .digest();
  }
}

/** Told to whoever wants what could not be opened. */
export function unknownKey(what: string, key: string): PortolanError {
  return new PortolanError(
    'INTERNAL',
    `${what} is encrypted with payload key ${JSON.stringify(key)}, which is not known here or does not fit`,
  );
}

/** The sealed member of a stored object; undefined for one in clear. */
export function sealedOf(value: unknown): Sealed | undefined {
  const sealed = (value as { readonly sealed?: Partial<Sealed> } | null)?.sealed;
  return typeof sealed?.key === 'string' && typeof sealed.box === 'string' ? (sealed as Sealed) : undefined;
}

/** JSON.stringify begins no text with a blank, so no user's value is ever taken for a sealed one. */
const SEALED_TEXT = ' {"sealed":';

export function encodeSealed(sealed: Sealed): string {
  return ` ${JSON.stringify({ sealed })}`;
}

/** Undefined for text in clear. */
export function decodeSealed(text: string): Sealed | undefined {
  return text.startsWith(SEALED_TEXT) ? sealedOf(readObject(text)) : undefined;
}

/** The members of a JSON object; none for what is no such text, which somebody else wrote. */
export function readObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
