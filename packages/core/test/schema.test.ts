import type { StandardSchemaV1 } from '@standard-schema/spec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PortolanError } from '../src/errors.ts';
import { decodeJson, describeIssues, encodeJson, parse, type Schema, survivesJson } from '../src/schema.ts';

describe('parse', () => {
  const user = z.object({ name: z.string(), tags: z.array(z.object({ id: z.number() })).default([]) });

  it("answers the schema's output", async () => {
    expect(await parse(user, { name: 'Eden', more: 1 }, 'user')).toEqual({ name: 'Eden', tags: [] });
    const slow = z.string().refine(async (text) => text.length > 1);
    expect(await parse(slow, 'ab', 'text')).toBe('ab');
    await expect(parse(slow, 'a', 'text')).rejects.toMatchObject({ code: 'INVALID' });
  });

  it('throws INVALID with every issue and its path', async () => {
    const failure = await parse(user, { tags: [{ id: 1 }, { id: 'x' }] }, 'user 7').catch((error: unknown) => error);
    expect(PortolanError.is(failure, 'INVALID')).toBe(true);
    const { issues, message } = failure as PortolanError;
    expect(issues?.map((issue) => issue.path)).toEqual([['name'], ['tags', 1, 'id']]);
    expect(message).toMatch(/^user 7: name: .*; tags\.1\.id: /);
  });

  it('reads paths of any Standard Schema, whether keys or segments', async () => {
    const path = ['a', { key: 'b' }, { key: 0 }, Symbol('s')];
    const schema: Schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (): StandardSchemaV1.FailureResult => ({ issues: [{ message: 'no', path }] }),
      },
    };
    await expect(parse(schema, 1, 'x')).rejects.toMatchObject({
      issues: [{ message: 'no', path: ['a', 'b', 0, 'Symbol(s)'] }],
    });
  });

  it('describes three issues and counts the rest', () => {
    const issues = ['a', 'b', 'c', 'd', 'e'].map((field) => ({ path: [field], message: 'wrong' }));
    expect(describeIssues(issues)).toBe('a: wrong; b: wrong; c: wrong (and 2 more)');
    expect(describeIssues([{ path: [], message: 'wrong' }])).toBe('(whole value): wrong');
  });
});

describe('JSON', () => {
  it('comes back', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = encodeJson(value, 'value');
        expect(encodeJson(decodeJson(text, 'value'), 'value')).toBe(text);
        expect(text.isWellFormed()).toBe(true);
      }),
    );
  });

  it('is told from what comes back as something else', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => survivesJson(value)));
    class Point {
      readonly x = 1;
    }
    for (const value of [new Date(), [[undefined]], { a: { b: new Point() } }, { toJSON: () => 1 }]) {
      expect(survivesJson(value)).toBe(false);
    }
    expect(survivesJson({ left: undefined, none: Object.create(null) })).toBe(true);
  });

  it('refuses what it cannot say as INVALID, and foreign text as INTERNAL without showing it', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (const value of [undefined, () => 1, Symbol('s'), 1n, cycle, { toJSON: () => undefined }]) {
      expect(() => encodeJson(value, 'thing')).toThrow(/^thing is not JSON/);
    }
    for (const value of [Number.NaN, { a: [1, { b: Number.POSITIVE_INFINITY }] }, JSON.parse('[null,-1e999]')]) {
      expect(() => encodeJson(value, 'thing')).toThrow(/^thing is not JSON: .* is not a finite number$/);
    }
    expect(encodeJson({ a: null, b: 'null', at: new Date(0) }, 'thing')).toBe(
      '{"a":null,"b":"null","at":"1970-01-01T00:00:00.000Z"}',
    );
    class Secret {
      readonly #kept = 1;
      get kept() {
        return this.#kept;
      }
    }
    for (const value of [new Map([[1, 1]]), { a: [new Set()] }, { a: {}, b: new Secret() }, [new Error('lost')]]) {
      expect(() => encodeJson(value, 'thing')).toThrow(/^thing is not JSON: .* is a \w+, of which JSON keeps nothing$/);
    }
    for (const value of [{ a: {}, b: [], c: '{}' }, Object.create(null), { at: new URL('http://a/'), b: {} }, null]) {
      expect(() => encodeJson(value, 'thing')).not.toThrow();
    }
    try {
      decodeJson('secret', 'key "a"');
      expect.unreachable();
    } catch (error) {
      expect(PortolanError.is(error, 'INTERNAL')).toBe(true);
      expect((error as Error).message).toBe('key "a" does not hold JSON');
    }
  });
});
