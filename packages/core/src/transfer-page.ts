import { decodeCursor, encodeCursor } from './cursor.ts';
import { TRANSFER_FIELDS, TRANSFER_PAGE_BYTES, type TransferPage, type TransferRecord } from './ports/transfer.ts';

/** A record, and the place in the part behind it: what JSON can tell. */
export interface PlacedRecord<Place> {
  readonly record: TransferRecord;
  readonly place: Place;
}

/** A part as its store walks it. */
export interface TransferWalk<Place> {
  /** The records behind a place, or all, as far as the caller takes them. */
  from(place: Place | null): Iterable<PlacedRecord<Place>>;
  /** A place as a cursor tells it, which comes from outside; undefined refuses it. */
  readPlace(content: unknown): Place | undefined;
}

/** A page of a walk, for stores that answer at once. */
export function walkPage<Place>(walk: TransferWalk<Place>, cursor: string | null, limit: number): TransferPage {
  const records: TransferRecord[] = [];
  let bytes = 0;
  const start = cursor === null ? null : decodeCursor(cursor, walk.readPlace);
  for (const { record, place } of walk.from(start)) {
    records.push(record);
    bytes += transferSize(record);
    if (records.length >= limit || bytes >= TRANSFER_PAGE_BYTES) return { records, cursor: encodeCursor(place) };
  }
  return { records, cursor: null };
}

/** About how much a record holds, in UTF-16 units; what is small is left out. */
function transferSize(record: TransferRecord): number {
  switch (record.of) {
    case 'key': {
      const { value } = record;
      if ('text' in value) return value.text.length;
      if ('base64' in value) return value.base64.length;
      return Object.entries(value.fields).reduce((sum, [name, text]) => sum + name.length + text.length, 0);
    }
    case 'entry':
      return record.text.length;
    case 'document':
      return record.body.length;
    case 'job':
      return record.logs.reduce(
        (sum, { line }) => sum + line.length,
        record.body.length + (record.result?.length ?? 0) + (record.error?.length ?? 0),
      );
    case 'schedule':
      return record.timing.length + record.template.length;
    case 'part':
    case 'owed':
      return record.text?.length ?? 0;
    case 'message':
      return record.data.length;
    default:
      return 0;
  }
}

/** Bytes as a record tells them: as text when they are UTF-8. */
export function transferValue(bytes: Uint8Array): { readonly text: string } | { readonly base64: string } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString();
  return Buffer.from(text).equals(buffer) ? { text } : { base64: buffer.toString('base64') };
}

/** The fields of a key in the portions in which they are moved. */
export function* transferFields(fields: Iterable<readonly [string, string]>): Iterable<Record<string, string>> {
  let portion: [string, string][] = [];
  for (const [name, text] of fields) {
    portion.push([name, text]);
    if (portion.length < TRANSFER_FIELDS) continue;
    yield Object.fromEntries(portion);
    portion = [];
  }
  if (portion.length > 0) yield Object.fromEntries(portion);
}
