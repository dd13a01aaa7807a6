import {
  type Backend,
  type DocumentCommit,
  type DocumentPort,
  type DocumentScan,
  type DocumentWrite,
  defineCollection,
  type Expectation,
  encodeIndexKey,
  type IndexEntry,
  type IndexValue,
  openCollection,
  PortolanError,
} from '@portolan/core';
import { expect } from 'vitest';
import { z } from 'zod';
import type { Kit } from './harness.ts';

interface PutParts {
  readonly expect?: Expectation;
  readonly body?: string;
  readonly entries?: readonly IndexEntry[];
  readonly expiresAt?: number | null;
}

export function put(id: string, parts: PutParts = {}): DocumentWrite {
  return { op: 'put', id, expect: 'any', body: `{"id":${JSON.stringify(id)}}`, entries: [], expiresAt: null, ...parts };
}

export const remove = (id: string, expect: Expectation = 'any'): DocumentWrite => ({ op: 'delete', id, expect });

export function entry(index: string, value: IndexValue | readonly IndexValue[], unique = false): IndexEntry {
  return { index, key: encodeIndexKey(value, index), unique };
}

/** The revisions of a commit that must succeed. */
export async function committed(commit: Promise<DocumentCommit>): Promise<number[]> {
  const result = await commit;
  expect(result).toMatchObject({ ok: true });
  return result.ok ? result.written.map(({ revision }) => revision) : [];
}

/** The ids of a whole walk, in pages. */
export async function walk(
  port: DocumentPort,
  collection: string,
  scan: Partial<DocumentScan> & { readonly index: string | null },
): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await port.scan(collection, { limit: 100, ...scan, ...(after === undefined ? {} : { after }) });
    ids.push(...page.documents.map(({ id }) => id));
    if (page.next === null) return ids;
    after = page.next;
  }
}

/** The error a promise must end with. */
export async function failure(promise: Promise<unknown>): Promise<PortolanError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PortolanError);
  return error as PortolanError;
}

/** Waits for work that sleeps in between, under manual time too. */
export async function drive<T>(kit: Kit, work: Promise<T>): Promise<T> {
  let done = false;
  const end = work.finally(() => {
    done = true;
  });
  end.catch(() => undefined);
  await kit.eventually('the work ends', () => done);
  return end;
}

export const people = defineCollection({
  name: 'people',
  schema: z.strictObject({
    name: z.string(),
    email: z.string(),
    age: z.number(),
    city: z.string().optional(),
    tags: z.array(z.string()).default([]),
  }),
  indexes: {
    email: { key: (person) => person.email, unique: true },
    city: { key: (person) => person.city },
    cityAge: { key: (person) => (person.city === undefined ? undefined : [person.city, person.age]) },
  },
});

export const openPeople = (kit: Kit, backend: Backend) =>
  openCollection(people, { port: backend.document, runtime: kit.runtime });

export function person(name: string, parts: { age?: number; city?: string; email?: string } = {}) {
  return { name, email: `${name}@example.com`, age: 30, ...parts };
}
