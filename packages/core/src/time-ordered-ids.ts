import { randomBytes } from 'node:crypto';
import type { Clock } from './runtime.ts';

const CHANCE_BYTES = 8;
/** Ids of a millisecond; more take the next one's. */
const IDS_PER_MS = 2 ** 16;

/** Chance for many ids, drawn in one call: a call for each would take most of an id's time. Every byte is used once. */
let chance = Buffer.alloc(0);
let used = 0;

/**
 * 48 bits of time, 16 of a sequence within the millisecond and 64 of chance in 32 hexadecimal digits, as version 7 of RFC 9562 has it with a counter. Each sorts after the
 * one before, even when the clock goes back: an index takes them at its end, on one page, where ids in any order of a millisecond would touch many.
 */
export function timeOrderedIds(clock: Clock): () => string {
  let time = 0;
  let sequence = -1;
  let prefix = '';
  return () => {
    const now = Math.floor(clock.now());
    sequence += 1;
    if (now > time || prefix === '') setTime(Math.max(now, 0));
    else if (sequence === IDS_PER_MS) setTime(time + 1);
    if (used === chance.length) {
      chance = randomBytes(CHANCE_BYTES * 250);
      used = 0;
    }
    used += CHANCE_BYTES;
    return prefix + sequence.toString(16).padStart(4, '0') + chance.toString('hex', used - CHANCE_BYTES, used);
  };

  function setTime(ms: number): void {
    time = ms;
    sequence = 0;
    prefix = ms.toString(16).padStart(12, '0');
  }
}
