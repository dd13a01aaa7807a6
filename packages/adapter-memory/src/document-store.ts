import { type IndexEntry, indexMember, MAX_TOMBSTONES, type StoredDocument } from '@portolan/core';
import { SortedList } from './sorted-list.ts';

interface Kept {
  readonly document: StoredDocument;
  readonly entries: readonly IndexEntry[];
}

/** A number as text that sorts like it; revisions and milliseconds have at most 16 digits. */
export const sortable = (value: number): string => String(value).padStart(16, '0');
const timeline = (at: number, id: string): string => `${sortable(at)} ${id}`;
export const idOf = (line: string): string => line.slice(17);

/** One collection: every structure moves with `store` and `remove`, so they never disagree. */
export class DocumentStore {
  revision = 0;
  /** The last revision of a deletion that is no longer known. */
  floor = 0;
  readonly #kept = new Map<string, Kept>();
  /** Index name -> members; the walk by id has the name ''. */
  readonly #indexes = new Map<string, SortedList>();
  /** Index name -> key -> id. */
  readonly #unique = new Map<string, Map<string, string>>();
  /** `revision id` of the latest change of each document, of each deletion, `expiresAt id`. */
  readonly live = new SortedList();
  readonly deleted = new SortedList();
  readonly #expiring = new SortedList();
  readonly #tombstones = new Map<string, number>();
  /** Member -> id, for the walk. */
  readonly #ids = new Map<string, string>();

  get(id: string): StoredDocument | undefined {
    return this.#kept.get(id)?.document;
  }

  get size(): number {
    return this.#kept.size;
  }

  entriesOf(id: string): readonly IndexEntry[] {
    return this.#kept.get(id)?.entries ?? [];
  }

  index(name: string | null): SortedList {
    const list = this.#indexes.get(name ?? '') ?? new SortedList();
    this.#indexes.set(name ?? '', list);
    return list;
  }

  /** The document behind an entry of an index. */
  byMember(member: string): StoredDocument {
    const encodedId = member.slice(member.lastIndexOf(' ') + 1);
    return this.#kept.get(this.#ids.get(encodedId) as string)?.document as StoredDocument;
  }

  holder({ index, key }: IndexEntry): string | undefined {
    return this.#unique.get(index)?.get(key);
  }

  /** Deletes what has expired, each as a change of its own. */
  sweep(now: number): void {
    for (
      let line = this.#expiring.at(0);
      line !== undefined && Number(line.slice(0, 16)) <= now;
      line = this.#expiring.at(0)
    )
      this.remove(idOf(line));
  }

  /** Takes a document's index entries and unique keys out, before the batch puts in new ones. */
  release(id: string): void {
    const kept = this.#kept.get(id);
    if (!kept) return;
    for (const entry of kept.entries) {
      this.index(entry.index).remove(indexMember(entry.key, id));
      if (this.holder(entry) === id) this.#unique.get(entry.index)?.delete(entry.key);
    }
    const { revision, expiresAt } = kept.document;
    this.live.remove(timeline(revision, id));
    if (expiresAt !== null) this.#expiring.remove(timeline(expiresAt, id));
    this.index(null).remove(indexMember(null, id));
    this.#ids.delete(indexMember(null, id));
    this.#kept.delete(id);
  }

  store(document: StoredDocument, entries: readonly IndexEntry[]): void {
    const { id, revision, expiresAt } = document;
    this.#kept.set(id, { document, entries });
    this.live.add(timeline(revision, id));
    if (expiresAt !== null) this.#expiring.add(timeline(expiresAt, id));
    this.index(null).add(indexMember(null, id));
    this.#ids.set(indexMember(null, id), id);
    for (const entry of entries) {
      this.index(entry.index).add(indexMember(entry.key, id));
      if (!entry.unique) continue;
      const keys = this.#unique.get(entry.index) ?? new Map<string, string>();
      this.#unique.set(entry.index, keys.set(entry.key, id));
    }
    this.#bury(id, null);
  }

  /** Deletes a document that is there, and answers the revision of the deletion. */
  remove(id: string): number {
    this.release(id);
    this.#bury(id, ++this.revision);
    return this.revision;
  }

  /** Puts in a deletion of another store, unless a later version is here. */
  removed(id: string, revision: number): void {
    this.revision = Math.max(this.revision, revision);
    if ((this.get(id)?.revision ?? 0) > revision) return;
    this.release(id);
    this.#bury(id, revision);
  }

  #bury(id: string, revision: number | null): void {
    const former = this.#tombstones.get(id);
    if (former !== undefined) this.deleted.remove(timeline(former, id));
    this.#tombstones.delete(id);
    if (revision === null) return;
    this.#tombstones.set(id, revision);
    this.deleted.add(timeline(revision, id));
    if (this.deleted.size <= MAX_TOMBSTONES) return;
    const oldest = this.deleted.at(0) as string;
    this.floor = Math.max(this.floor, Number(oldest.slice(0, 16)));
    this.deleted.remove(oldest);
    this.#tombstones.delete(idOf(oldest));
  }
}
