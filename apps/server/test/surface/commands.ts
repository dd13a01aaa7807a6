import { expect } from 'vitest';
import type { Case } from './case.ts';
import type { Question } from './talk.ts';

interface Report {
  readonly id: string;
  readonly expected: number;
  readonly replies: readonly {
    readonly role: string;
    readonly pid: number;
    readonly outcome: string;
    readonly result?: unknown;
    readonly error?: { readonly code: string; readonly message: string };
  }[];
  readonly missing: readonly string[];
  readonly lost: readonly string[];
}

const send = (name: string, args?: unknown, more: { role?: string; timeoutMs?: number } = {}): Question => ({
  rest: ['POST', '/api/commands', { name, ...(args === undefined ? {} : { args }), ...more }],
  trpc: (client) => client.commands.send.mutate({ name, ...(args === undefined ? {} : { args }), ...more }),
});
/** To servers only, so that the answer has one reply on every backend. */
const toServer = (name: string, args?: unknown): Question => send(name, args, { role: 'server', timeoutMs: 5_000 });

interface Instances {
  readonly instances: readonly { readonly instance: string; readonly role: string; readonly pid: number }[];
}
const instances: Question = {
  rest: ['GET', '/api/instances'],
  trpc: (client) => client.commands.instances.query(),
};

export const commandCases: readonly Case[] = [
  {
    title: 'a command runs once in every live process, and the sender sees where',
    async play({ poll, ask }) {
      const { value: live } = await poll<Instances>(instances);
      expect(live.instances[0]).toEqual({
        instance: expect.any(String),
        role: expect.any(String),
        host: expect.any(String),
        pid: expect.any(Number),
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        startedAt: expect.stringMatching(/Z$/),
        lastSeen: expect.stringMatching(/Z$/),
      });
      const { value: report } = await poll<Report>(send('ping', undefined, { timeoutMs: 5_000 }));
      expect(report.expected).toBe(live.instances.length);
      expect(report.replies.map(({ pid }) => pid).sort()).toEqual(live.instances.map(({ pid }) => pid).sort());
      expect(report).toMatchObject({ missing: [], lost: [] });
      const { value: one } = await ask<Report>(toServer('ping'));
      expect(one).toEqual({
        id: expect.any(String),
        expected: 1,
        replies: [
          {
            instance: expect.any(String),
            role: 'server',
            host: expect.any(String),
            pid: expect.any(Number),
            outcome: 'ok',
            result: { uptimeMs: expect.any(Number) },
            ms: expect.any(Number),
          },
        ],
        missing: [],
        lost: [],
      });
    },
  },
  {
    title: 'the built-in commands change a setting, re-read data, run a task and set the log level',
    async play({ ask, run }) {
      const result = async (name: string, args: unknown) => (await ask<Report>(toServer(name, args))).value.replies[0];
      expect(await result('settings.set', { name: 'cacheTtlMs', value: 29_000 })).toMatchObject({
        outcome: 'ok',
        result: { name: 'cacheTtlMs', value: 29_000, previous: 30_000 },
      });
      await result('settings.set', { name: 'cacheTtlMs', value: 30_000 });
      expect(await result('data.reload', { collection: 'users', id: '1' })).toMatchObject({
        outcome: 'ok',
        result: { collection: 'users', id: '1', revision: expect.any(Number) },
      });
      expect(await result('data.reload', { collection: 'users', id: `${run}-none` })).toMatchObject({
        outcome: 'ok',
        result: { revision: null },
      });
      expect(await result('log.level', { level: 'warn' })).toMatchObject({
        result: { level: 'warn', previous: 'info' },
      });
      expect(await result('log.level', { level: 'info' })).toMatchObject({ result: { previous: 'warn' } });
    },
  },
  {
    title: 'a task runs in the background; a task, a setting and a command that nobody knows are told',
    async play({ ask, poll }) {
      const task = await poll<Report>(toServer('task.run', { task: 'memory' }));
      expect(task.value.replies[0]).toMatchObject({ outcome: 'ok', result: { run: expect.any(String) } });
      const failed = async (name: string, args: unknown) => (await ask<Report>(toServer(name, args))).value.replies[0];
      expect(await failed('task.run', { task: 'nobody' })).toMatchObject({
        outcome: 'failed',
        error: { code: 'NOT_FOUND' },
      });
      expect(await failed('settings.set', { name: 'nobody', value: 1 })).toMatchObject({
        outcome: 'failed',
        error: { code: 'INVALID' },
      });
      expect(await failed('settings.set', { name: 'cacheTtlMs', value: 'x' })).toMatchObject({ outcome: 'failed' });
      const unknown = await ask<Report>(toServer('nobody-knows'));
      expect(unknown.code === 'OK' ? unknown.value.replies[0]?.outcome : unknown.code).not.toBe('ok');
    },
  },
  {
    title: 'a command to a role that nobody has reaches nobody, and its input is checked',
    async play({ ask }) {
      expect((await ask<Report>(send('ping', undefined, { role: 'nobody' }))).value).toMatchObject({
        expected: 0,
        replies: [],
      });
      expect(await ask(send('ping', undefined, { timeoutMs: 0 }))).toMatchObject({
        code: 'INVALID',
        issues: ['timeoutMs'],
      });
      expect(await ask(send(''))).toMatchObject({ code: 'INVALID', status: 400, issues: ['name'] });
    },
  },
];
