/**
 * Opaque text as a column of type ANY keeps it. node:sqlite answers a TEXT only up to its first NUL, so one that has a NUL is kept as a
 * BLOB of its UTF-8.
 */
export function toColumn(text: string): string | Buffer {
  return text.includes('\0') ? Buffer.from(text) : text;
}

export function fromColumn(value: unknown): string {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString() : '';
}
