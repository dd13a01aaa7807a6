import { expect } from 'vitest';
import { eventually } from '../systems.ts';
import type { Case } from './case.ts';
import type { Question } from './talk.ts';

const at = (key: string) => `/api/keys/${encodeURIComponent(key)}/fields`;
const setFields = (key: string, fields: Record<string, unknown>): Question => ({
  rest: ['PUT', at(key), { fields }],
  trpc: (client) => client.keys.setFields.mutate({ key, fields }),
});
const getFields = (key: string): Question => ({
  rest: ['GET', at(key)],
  trpc: (client) => client.keys.getFields.query({ key }),
});
const getField = (key: string, field: string): Question => ({
  rest: ['GET', `${at(key)}/${encodeURIComponent(field)}`],
  trpc: (client) => client.keys.getField.query({ key, field }),
});
const deleteField = (key: string, field: string): Question => ({
  rest: ['DELETE', `${at(key)}/${encodeURIComponent(field)}`],
  trpc: (client) => client.keys.deleteField.mutate({ key, field }),
});

export const fieldCases: readonly Case[] = [
  {
    title: 'set several fields, get all, get one, delete one',
    async play({ ask, run, client }) {
      const key = `${run}:fields`;
      expect((await ask(setFields(key, { mast: 3, crew: ['Ada', 'Bo'], 'a/b': null }))).value).toEqual({
        fields: { mast: 3, crew: ['Ada', 'Bo'], 'a/b': null },
      });
      expect((await ask(setFields(key, { mast: 4 }))).value).toEqual({
        fields: { mast: 4, crew: ['Ada', 'Bo'], 'a/b': null },
      });
      expect((await ask(getFields(key))).value).toEqual({ fields: { mast: 4, crew: ['Ada', 'Bo'], 'a/b': null } });
      expect((await ask(getField(key, 'crew'))).value).toEqual({ value: ['Ada', 'Bo'] });
      expect((await ask(getField(key, 'a/b'))).value).toEqual({ value: null });
      expect(await ask(getField(key, 'sail'))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
      expect((await ask(deleteField(key, 'mast'))).value).toEqual({ deleted: true });
      expect((await ask(deleteField(key, 'mast'))).value).toEqual({ deleted: false });
      expect(await client.keys.hasField.query({ key, field: 'crew' })).toBe(true);
      expect(await client.keys.hasField.query({ key, field: 'mast' })).toBe(false);
    },
  },
  {
    title: 'a key that holds fields has no value to answer, and says so',
    async play({ ask, run }) {
      const key = `${run}:only-fields`;
      await ask(setFields(key, { a: 1 }));
      const get: Question = { rest: ['GET', `/api/keys/${key}`], trpc: (client) => client.keys.get.query({ key }) };
      expect(await ask(get)).toMatchObject({ code: 'CONFLICT', status: 409 });
    },
  },
  {
    title: 'a key without fields has none, and a value is no fields',
    async play({ ask, run }) {
      expect((await ask(getFields(`${run}:none`))).value).toEqual({ fields: {} });
      expect(await ask(getField(`${run}:none`, 'a'))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
      const key = `${run}:a-value`;
      await ask({
        rest: ['PUT', `/api/keys/${key}`, { value: 1 }],
        trpc: (client) => client.keys.set.mutate({ key, value: 1 }),
      });
      for (const question of [getFields(key), setFields(key, { a: 1 }), getField(key, 'a'), deleteField(key, 'a')]) {
        expect((await ask(question)).code).not.toBe('INTERNAL');
      }
      const wrong: Question = {
        rest: ['PUT', at(key), { fields: 7 }],
        trpc: (client) => client.keys.setFields.mutate({ key, fields: 7 as never }),
      };
      expect(await ask(wrong)).toMatchObject({ code: 'INVALID', status: 400, issues: ['fields'] });
    },
  },
];

const increment = (name: string, input?: { by?: unknown; ttlMs?: unknown }): Question => ({
  rest: ['POST', `/api/counters/${encodeURIComponent(name)}/increment`, input],
  trpc: (client) => client.counters.increment.mutate({ name, ...input } as never),
});
const read = (name: string): Question => ({
  rest: ['GET', `/api/counters/${encodeURIComponent(name)}`],
  trpc: (client) => client.counters.get.query({ name }),
});
const write = (name: string, value: unknown): Question => ({
  rest: ['PUT', `/api/counters/${encodeURIComponent(name)}`, { value }],
  trpc: (client) => client.counters.set.mutate({ name, value: value as number }),
});

export const counterCases: readonly Case[] = [
  {
    title: 'increment by one, by more and by less; set; one that was never counted is 0',
    async play({ ask, run }) {
      const name = `${run}:visits/today`;
      expect((await ask(read(name))).value).toEqual({ value: 0 });
      expect((await ask(increment(name))).value).toEqual({ value: 1 });
      expect((await ask(increment(name, {}))).value).toEqual({ value: 2 });
      expect((await ask(increment(name, { by: 40 }))).value).toEqual({ value: 42 });
      expect((await ask(increment(name, { by: -50 }))).value).toEqual({ value: -8 });
      expect((await ask(increment(name, { by: 0 }))).value).toEqual({ value: -8 });
      expect((await ask(write(name, 7))).value).toEqual({ value: 7 });
      expect((await ask(read(name))).value).toEqual({ value: 7 });
    },
  },
  {
    title: 'increments at the same moment lose none',
    async play({ poll, ask, run }) {
      const name = `${run}:busy`;
      const answers = await Promise.all(Array.from({ length: 60 }, () => poll<{ value: number }>(increment(name))));
      const seen = answers.map(({ value }) => value.value).sort((a, b) => a - b);
      expect(seen).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
      expect((await ask(read(name))).value).toEqual({ value: 60 });
    },
  },
  {
    title: 'a counter with a time to live starts anew after it',
    async play({ ask, poll, run }) {
      const name = `${run}:short`;
      await ask(increment(name, { by: 5, ttlMs: 100 }));
      await eventually(
        () => poll<{ value: number }>(read(name)),
        ({ value }) => value.value === 0,
      );
    },
  },
  {
    title: 'what is no whole number is refused, and so is what would not fit',
    async play({ ask, run }) {
      const name = `${run}:wrong`;
      for (const by of [1.5, '1', null, Number.MAX_SAFE_INTEGER + 2]) {
        expect(await ask(increment(name, { by }))).toMatchObject({ code: 'INVALID', status: 400, issues: ['by'] });
      }
      expect(await ask(increment(name, { ttlMs: -1 }))).toMatchObject({ code: 'INVALID', issues: ['ttlMs'] });
      expect(await ask(write(name, 'x'))).toMatchObject({ code: 'INVALID', status: 400, issues: ['value'] });
      expect((await ask(write(name, Number.MAX_SAFE_INTEGER))).value).toEqual({ value: Number.MAX_SAFE_INTEGER });
      expect(await ask(increment(name))).toMatchObject({ code: 'CONFLICT', status: 409 });
      expect((await ask(read(name))).value).toEqual({ value: Number.MAX_SAFE_INTEGER });
    },
  },
];
