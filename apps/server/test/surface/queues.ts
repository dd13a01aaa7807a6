import { expect } from 'vitest';
import type { Case } from './case.ts';
import { amend, between, ended, expectAccepted, isTime, type Job, jobOf, push, remove } from './job-kit.ts';
import type { Question } from './talk.ts';

/** Queues and what stands in them: many jobs at once, dead letters, pauses, limits. */
export const queueCases: readonly Case[] = [
  {
    title: 'many failed jobs are retried at once, and counted',
    async play(talk) {
      const queue = `dead-${talk.run}`;
      const retry = (body: Readonly<{ state?: 'failed' | 'cancelled'; ids?: string[] }>): Question => ({
        rest: ['POST', `/api/queues/${queue}/retry`, body],
        trpc: (client) => client.queues.retry.mutate({ queue, ...body }),
      });
      const data = { steps: 1, stepMs: 0, failAt: 1 };
      const ids: string[] = [];
      for (let n = 0; n < 3; n++) {
        const id = expectAccepted(await talk.ask(push('count', data, { attempts: 1 }, queue)), talk);
        expect((await ended(talk, id)).state).toBe('failed');
        ids.push(id);
      }
      const [first = ''] = ids;
      await talk.ask({
        rest: ['POST', `/api/queues/${queue}/pause`],
        trpc: (client) => client.queues.pause.mutate({ queue }),
      });
      const named = [first, first, `${queue}:unknown`];
      expect((await talk.ask(retry({ ids: named }))).value).toEqual({ retried: 1, missing: 1, refused: 1 });
      expect((await talk.ask<Job>(jobOf(first))).value).toMatchObject({ state: 'waiting', attempts: 0 });
      expect((await talk.ask(amend(first, 'cancel'))).value).toEqual({ outcome: 'done' });
      expect((await talk.ask(retry({}))).value).toEqual({ retried: 2, missing: 0, refused: 0 });
      expect((await talk.ask(retry({ state: 'cancelled' }))).value).toEqual({ retried: 1, missing: 0, refused: 0 });
      for (const id of ids) expect((await talk.ask<Job>(jobOf(id))).value.state).toBe('waiting');
      expect(await talk.ask(retry({ ids: ['other:1'] }))).toMatchObject({ code: 'INVALID', status: 400 });
      expect(await talk.ask(retry({ ids: [] }))).toMatchObject({ code: 'INVALID', issues: ['ids'] });
      expect(await talk.ask(retry({ ids: [first], state: 'failed' }))).toMatchObject({
        code: 'INVALID',
        issues: ['ids'],
      });
      expect(await talk.ask(retry({ state: 'completed' as 'failed' }))).toMatchObject({
        code: 'INVALID',
        issues: ['state'],
      });
    },
  },
  {
    title: 'a queue of any name is worked on, a paused one is not, and the higher priority goes first',
    async play(talk) {
      const queue = `e2e-${talk.run}`;
      const set = (what: 'pause' | 'resume'): Question => ({
        rest: ['POST', `/api/queues/${queue}/${what}`],
        trpc: (client) => client.queues[what].mutate({ queue }),
      });
      const first = expectAccepted(await talk.ask(push('echo', 0, {}, queue)), talk);
      expect((await ended(talk, first)).state).toBe('completed');
      expect((await talk.ask(set('pause'))).value).toEqual({ outcome: 'done' });
      const low = expectAccepted(await talk.ask(push('echo', 'low', { priority: -5 }, queue)), talk);
      const plain = expectAccepted(await talk.ask(push('echo', 'plain', {}, queue)), talk);
      const high = expectAccepted(await talk.ask(push('echo', 'high', { priority: 5 }, queue)), talk);
      const waiting = await talk.ask<{ jobs: Job[]; cursor: string | null }>({
        rest: ['GET', `/api/queues/${queue}/jobs?state=waiting`],
        trpc: (client) => client.queues.jobs.query({ queue, state: 'waiting' }),
      });
      expect(waiting.value.jobs.map(({ id }) => id).sort()).toEqual([low, plain, high].sort());
      const { value } = await talk.poll<{ queues: { queue: string; paused: boolean; counts: { waiting: number } }[] }>({
        rest: ['GET', '/api/queues'],
        trpc: (client) => client.queues.list.query(),
      });
      expect(value.queues.find((one) => one.queue === queue)).toMatchObject({ paused: true, counts: { waiting: 3 } });
      await talk.ask(set('resume'));
      // One after the other, so that the transcripts of two systems have one order.
      const jobs: Job[] = [];
      for (const id of [low, plain, high]) jobs.push(await ended(talk, id));
      const started = jobs.map((job) => Date.parse(job.startedAt ?? ''));
      expect(started[2]).toBeLessThanOrEqual(started[1] as number);
      expect(started[1]).toBeLessThanOrEqual(started[0] as number);
    },
  },
  {
    title: 'a queue runs no more of a group at a time than its limits say',
    async play(talk) {
      const queue = `limits-${talk.run}`;
      const limit = (limits: { concurrency?: number; group?: { concurrency?: number } }): Question => ({
        rest: ['PUT', `/api/queues/${queue}/limits`, limits],
        trpc: (client) => client.queues.limit.mutate({ queue, ...limits }),
      });
      const limitsOf = async () => {
        const { value } = await talk.poll<{ queues: { queue: string; limits: unknown }[] }>({
          rest: ['GET', '/api/queues'],
          trpc: (client) => client.queues.list.query(),
        });
        return value.queues.find((one) => one.queue === queue)?.limits;
      };
      expect((await talk.ask(limit({ concurrency: 20, group: { concurrency: 1 } }))).value).toEqual({
        outcome: 'done',
      });
      expect(await limitsOf()).toEqual({ concurrency: 20, group: { concurrency: 1 } });
      const data = { steps: 1, stepMs: 50 };
      const ids: string[] = [];
      for (const group of ['a', 'a', 'a']) {
        ids.push(expectAccepted(await talk.ask(push('count', data, { group }, queue)), talk));
      }
      const jobs: Job[] = [];
      for (const id of ids) jobs.push(await ended(talk, id));
      expect(jobs).toMatchObject([{ group: 'a' }, { group: 'a' }, { group: 'a' }]);
      expect(between(jobs[0]?.finishedAt, jobs[1]?.startedAt)).toBeGreaterThanOrEqual(0);
      expect(between(jobs[1]?.finishedAt, jobs[2]?.startedAt)).toBeGreaterThanOrEqual(0);
      expect((await talk.ask(limit({}))).value).toEqual({ outcome: 'done' });
      expect(await limitsOf()).toBeNull();
      const refused = await talk.ask(limit({ group: { concurrency: 0 } }));
      expect(refused).toMatchObject({ code: 'INVALID', status: 400, issues: ['group.concurrency'] });
    },
  },
  {
    title: 'many jobs of a kind are pushed at once, all or none',
    async play(talk) {
      const queue = `bulk-${talk.run}`;
      type Jobs = { data: unknown; delayMs?: number; priority?: number }[];
      const bulk = (name: string, jobs: Jobs): Question => ({
        rest: ['POST', `/api/queues/${queue}/jobs/bulk`, { name, jobs }],
        trpc: (client) => client.queues.pushMany.mutate({ queue, name, jobs }),
      });
      const answer = await talk.ask<{ jobIds: string[] }>(
        bulk('echo', [{ data: 'one' }, { data: 'two', delayMs: 600_000, priority: 7 }, { data: 'three' }]),
      );
      expect(answer.code).toBe('OK');
      if (talk.transport === 'REST') expect(answer.status).toBe(202);
      const [one = '', two = '', three = ''] = answer.value.jobIds;
      expect(answer.value.jobIds).toHaveLength(3);
      expect(await ended(talk, one)).toMatchObject({ state: 'completed', result: 'one' });
      expect(await ended(talk, three)).toMatchObject({ state: 'completed', result: 'three' });
      expect((await talk.ask<Job>(jobOf(two))).value).toMatchObject({ state: 'delayed', data: 'two', priority: 7 });
      await talk.ask(amend(two, 'cancel'));
      const bad = await talk.ask(bulk('count', [{ data: { steps: 1 } }, { data: { steps: 'many' } }]));
      expect(bad).toMatchObject({ code: 'INVALID', status: 400 });
      expect(await talk.ask(bulk('nobody-knows', [{ data: 1 }]))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
      expect(await talk.ask(bulk('echo', []))).toMatchObject({ code: 'INVALID', issues: ['jobs'] });
      const wrong = await talk.ask(bulk('echo', [{ data: 1, priority: 5_000 }]));
      expect(wrong).toMatchObject({ code: 'INVALID', issues: ['jobs.0.priority'] });
    },
  },
  {
    title: 'dead letters are looked at, mended or forgotten',
    async play(talk) {
      const queue = `letters-${talk.run}`;
      const data = { steps: 1, stepMs: 0, failAt: 1 };
      const options = { attempts: 1, priority: 3, group: 'g' };
      const id = expectAccepted(await talk.ask(push('count', data, options, queue)), talk);
      expect(await ended(talk, id)).toMatchObject({ state: 'failed', data, priority: 3, group: 'g' });
      const { value } = await talk.ask<{ jobs: Job[] }>({
        rest: ['GET', `/api/queues/${queue}/jobs?state=failed`],
        trpc: (client) => client.queues.jobs.query({ queue, state: 'failed' }),
      });
      // A page tells no data, which one job may have 256 KiB of.
      expect(value.jobs).toMatchObject([{ id, priority: 3, error: { code: 'UNAVAILABLE' } }]);
      expect(value.jobs[0]).not.toHaveProperty('data');
      expect(await talk.ask(amend(id, 'promote'))).toMatchObject({ code: 'CONFLICT', status: 409 });
      expect((await talk.ask(remove(id))).value).toEqual({ outcome: 'done' });
      expect(await talk.ask(remove(id))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
      expect(await talk.ask(jobOf(id))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
      expect(await talk.ask(amend(id, 'promote'))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
    },
  },
  {
    title: 'a delayed job tells when it is due, and may be promoted',
    async play(talk) {
      const id = expectAccepted(await talk.ask(push('echo', 'later', { delayMs: 600_000 })), talk);
      const { value } = await talk.ask<Job & { dueAt: string }>(jobOf(id));
      expect(value).toMatchObject({ state: 'delayed', data: 'later', priority: 0, dueAt: isTime });
      expect(between(value.createdAt, value.dueAt)).toBeGreaterThan(590_000);
      expect((await talk.ask(amend(id, 'promote'))).value).toEqual({ outcome: 'done' });
      expect(await ended(talk, id)).toMatchObject({ state: 'completed', result: 'later' });
    },
  },
];
