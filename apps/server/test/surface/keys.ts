import { expect } from 'vitest';
import { eventually } from '../systems.ts';
import type { Case } from './case.ts';
import { type Answer, type Question, query, type Talk } from './talk.ts';

interface Written {
  readonly written: boolean;
  readonly version: string | null;
}
interface Entry {
  readonly key: string;
  readonly value: unknown;
  readonly version: string;
  readonly ttlMs: number | null;
}

const at = (key: string) => `/api/keys/${encodeURIComponent(key)}`;
const set = (key: string, input: { value: unknown; [more: string]: unknown }): Question => ({
  rest: ['PUT', at(key), input],
  trpc: (client) => client.keys.set.mutate({ key, ...input } as never),
});
const get = (key: string): Question => ({ rest: ['GET', at(key)], trpc: (client) => client.keys.get.query({ key }) });
const remove = (key: string): Question => ({
  rest: ['DELETE', at(key)],
  trpc: (client) => client.keys.delete.mutate({ key }),
});

const values = [null, true, false, 0, -1.5, 1e21, '', 'a "quoted" \\ line\n', 'ßλ漢🚢', [], {}, [1, [2, { a: null }]]];

export const keyCases: readonly Case[] = [
  {
    title: 'PUT, GET, DELETE a key: the value comes back as it was, with version and time to live',
    async play({ ask, run }) {
      const key = `${run}:a/b ü?#%2F`;
      const written = await ask<Written>(set(key, { value: { text: 'hello' }, ttlMs: 60_000 }));
      expect(written).toMatchObject({ code: 'OK', status: 200, value: { written: true } });
      const { version } = written.value;
      const got = await ask<Entry>(get(key));
      expect(got.value).toEqual({ key, value: { text: 'hello' }, version, ttlMs: expect.any(Number) });
      expect(got.value.ttlMs).toBeGreaterThan(0);
      expect(got.value.ttlMs).toBeLessThanOrEqual(60_000);
      expect((await ask(remove(key))).value).toEqual({ deleted: true });
      expect((await ask(remove(key))).value).toEqual({ deleted: false });
      expect(await ask(get(key))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
    },
  },
  {
    title: 'any JSON value keeps its type',
    async play({ ask, run }) {
      for (const [n, value] of values.entries()) {
        await ask(set(`${run}:json:${n}`, { value }));
        expect((await ask<Entry>(get(`${run}:json:${n}`))).value).toMatchObject({ value, ttlMs: null });
      }
    },
  },
  {
    title: 'conditions absent, present and version; a refused write changes nothing',
    async play({ ask, run }) {
      const key = `${run}:conditions`;
      expect((await ask(set(key, { value: 1, if: 'present' }))).value).toEqual({ written: false, version: null });
      const { value: first } = await ask<Written>(set(key, { value: 1, if: 'absent' }));
      expect(first.written).toBe(true);
      expect((await ask(set(key, { value: 2, if: 'absent' }))).value).toEqual({ ...first, written: false });
      const { value: second } = await ask<Written>(set(key, { value: 2, version: first.version }));
      expect(second.written).toBe(true);
      expect(second.version).not.toBe(first.version);
      expect((await ask(set(key, { value: 3, version: first.version }))).value).toEqual({ ...second, written: false });
      expect((await ask(set(key, { value: 4, if: 'present' }))).value).toMatchObject({ written: true });
      expect((await ask<Entry>(get(key))).value.value).toBe(4);
    },
  },
  {
    title: 'a key is gone after its time to live, and a plain write ends that time',
    async play({ ask, poll, run }) {
      const key = `${run}:short`;
      await ask(set(key, { value: 1, ttlMs: 100 }));
      await eventually(
        () => poll(get(key)),
        ({ code }) => code === 'NOT_FOUND',
      );
      await ask(set(key, { value: 1, ttlMs: 60_000 }));
      await ask(set(key, { value: 2 }));
      expect((await ask<Entry>(get(key))).value).toMatchObject({ value: 2, ttlMs: null });
    },
  },
  {
    title: 'what is wrong with an input is told by its path',
    async play({ ask, run }) {
      const wrong: [input: { [name: string]: unknown }, path: string][] = [
        [{}, 'value'],
        [{ value: 1, ttlMs: 0 }, 'ttlMs'],
        [{ value: 1, ttlMs: 1.5 }, 'ttlMs'],
        [{ value: 1, ttlMs: '60' }, 'ttlMs'],
        [{ value: 1, if: 'maybe' }, 'if'],
        [{ value: 1, version: 7 }, 'version'],
      ];
      for (const [input, path] of wrong) {
        const answer = await ask(set(`${run}:wrong`, input as { value: unknown }));
        expect(answer, JSON.stringify(input)).toMatchObject({ code: 'INVALID', status: 400, issues: [path] });
        expect(answer.message).toContain(path);
      }
      expect((await ask(get(`${run}:wrong`))).code).toBe('NOT_FOUND');
      expect(await ask(get('x'.repeat(513)))).toMatchObject({ code: 'INVALID', status: 400 });
      expect(await ask(get('ü'.repeat(300)))).toMatchObject({ code: 'INVALID', status: 400 });
    },
  },
];

interface Page {
  readonly keys: readonly { key: string; type: string; ttlMs: number | null; size: number }[];
  readonly cursor: string | null;
}
const list = (input: { pattern?: string; cursor?: string | null; limit?: number }): Question => ({
  rest: ['GET', `/api/keys?${query({ ...input })}`],
  trpc: (client) => client.keys.list.query(input),
});

/** All pages; the limit holds on each of them. */
async function walk({ poll, transcript }: Talk, pattern: string, limit: number): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = null;
  do {
    const { value, code }: Answer<Page> = await poll<Page>(list({ pattern, limit, cursor }));
    expect(code).toBe('OK');
    expect(value.keys.length).toBeLessThanOrEqual(limit);
    found.push(...value.keys.map(({ key }) => key));
    cursor = value.cursor;
  } while (cursor !== null);
  transcript.push([pattern, limit, [...found].sort()]);
  return found.sort();
}

export const keyListCases: readonly Case[] = [
  {
    title: 'a walk by cursor finds every key once, no page above the limit, and ends with null',
    async play(talk) {
      const names = Array.from({ length: 23 }, (_, n) => `${talk.run}:walk:${String(n).padStart(2, '0')}`);
      await Promise.all(names.map((key) => talk.poll(set(key, { value: key }))));
      for (const limit of [1, 7, 23, 1_000]) expect(await walk(talk, `${talk.run}:walk:*`, limit)).toEqual(names);
      expect(await walk(talk, `${talk.run}:walk:0?`, 4)).toEqual(names.slice(0, 10));
      expect(await walk(talk, `${talk.run}:nothing:*`, 4)).toEqual([]);
    },
  },
  {
    title: 'each key is listed with type, time to live and size; glob characters in names can be escaped',
    async play(talk) {
      const { ask, run } = talk;
      await ask(set(`${run}:glob:*`, { value: 'abc' }));
      await ask(set(`${run}:glob:[x]`, { value: 1, ttlMs: 60_000 }));
      await ask({
        rest: ['PUT', `${at(`${run}:glob:f`)}/fields`, { fields: { a: 1, b: 2 } }],
        trpc: (client) => client.keys.setFields.mutate({ key: `${run}:glob:f`, fields: { a: 1, b: 2 } }),
      });
      const { value } = await talk.poll<Page>(list({ pattern: `${run}:glob:*` }));
      const byKey = value.keys.toSorted((a, b) => (a.key < b.key ? -1 : 1));
      expect(byKey).toEqual([
        { key: `${run}:glob:*`, type: 'value', ttlMs: null, size: 5 },
        { key: `${run}:glob:[x]`, type: 'value', ttlMs: expect.any(Number), size: 1 },
        { key: `${run}:glob:f`, type: 'fields', ttlMs: null, size: 2 },
      ]);
      expect(await walk(talk, `${run}:glob:\\*`, 10)).toEqual([`${run}:glob:*`]);
      expect(await walk(talk, `${run}:glob:\\[x\\]`, 10)).toEqual([`${run}:glob:[x]`]);
    },
  },
  {
    title: 'limit and cursor are checked',
    async play({ ask }) {
      expect(await ask(list({ limit: 0 }))).toMatchObject({ code: 'INVALID', status: 400, issues: ['limit'] });
      expect(await ask(list({ limit: 1_001 }))).toMatchObject({ code: 'INVALID', status: 400, issues: ['limit'] });
      expect(await ask(list({ cursor: 'not a cursor' }))).toMatchObject({ code: 'INVALID', status: 400 });
    },
  },
];
