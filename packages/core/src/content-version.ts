import { hash } from 'node:crypto';

/**
 * Names a content: the SHA-1 of its UTF-8 bytes in hexadecimal. Equal contents have equal versions, so nothing is stored
 * beside the value, and a store can compute it too (Redis: `redis.sha1hex`). It tells contents apart; it is no signature.
 */
export function contentVersion(value: string | Uint8Array): string {
  return hash('sha1', value, 'hex');
}
