import { expect } from 'vitest';
import { eventually } from '../systems.ts';
import type { Case } from './case.ts';
import type { Answer, Question, Talk } from './talk.ts';

interface Job {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
  readonly progress: unknown;
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
}
interface Pushed {
  readonly jobId: string;
}

const jobOf = (id: string): Question => ({
  rest: ['GET', `/api/jobs/${encodeURIComponent(id)}`],
  trpc: (client) => client.jobs.get.query({ id }),
});
const logsOf = (id: string): Question => ({
  rest: ['GET', `/api/jobs/${encodeURIComponent(id)}/logs`],
  trpc: (client) => client.jobs.logs.query({ id }),
});
const push = (name: string, data: unknown, options: Record<string, unknown> = {}, queue = 'default'): Question => ({
  rest: ['POST', `/api/queues/${queue}/jobs`, { name, data, ...options }],
  trpc: (client) => client.queues.push.mutate({ queue, name, data, ...options }),
});
const amend = (id: string, what: 'cancel' | 'retry'): Question => ({
  rest: ['POST', `/api/jobs/${encodeURIComponent(id)}/${what}`],
  trpc: (client) => client.jobs[what].mutate({ id }),
});

const ENDED = new Set(['completed', 'failed', 'cancelled']);

/** The job once it ended, written into the transcript. */
async function ended({ poll, ask }: Talk, id: string): Promise<Job> {
  await eventually(
    () => poll<Job>(jobOf(id)),
    ({ code, value }) => code === 'OK' && ENDED.has(value.state),
  );
  return (await ask<Job>(jobOf(id))).value;
}

function expectAccepted(answer: Answer<Pushed>, { transport }: Talk): string {
  expect(answer).toMatchObject({ code: 'OK', value: { jobId: expect.any(String) } });
  if (transport === 'REST') expect(answer.status).toBe(202);
  return answer.value.jobId;
}

const isTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
const between = (from?: string, to?: string): number => Date.parse(to ?? '') - Date.parse(from ?? '');

export const jobCases: readonly Case[] = [
  {
    title: 'a pushed job is accepted, runs once, and its result can be asked for',
    async play(talk) {
      const id = expectAccepted(await talk.ask(push('echo', { n: [1, null, 'ü'] })), talk);
      expect(await ended(talk, id)).toEqual({
        id,
        queue: 'default',
        name: 'echo',
        state: 'completed',
        progress: null,
        attempts: 1,
        result: { n: [1, null, 'ü'] },
        createdAt: isTime,
        startedAt: isTime,
        finishedAt: isTime,
      });
    },
  },
  {
    title: 'a failing attempt is followed by another; without one left the job has failed and says why',
    async play(talk) {
      const data = { steps: 2, stepMs: 0, failAt: 2 };
      const twice = expectAccepted(await talk.ask(push('count', data, { attempts: 2 })), talk);
      const once = expectAccepted(await talk.ask(push('count', data, { attempts: 1 })), talk);
      const retried = await ended(talk, twice);
      expect(retried).toMatchObject({ state: 'completed', attempts: 2, result: { counted: 2, attempt: 2 } });
      expect(retried.progress).toEqual({ step: 2, of: 2 });
      const { value } = await talk.poll<{ logs: { at: string; line: string }[] }>(logsOf(twice));
      expect(value.logs.map(({ line }) => line)).toEqual(['step 1 of 2', 'step 1 of 2', 'step 2 of 2']);
      expect(value.logs[0]?.at).toEqual(isTime);
      expect(await talk.ask(logsOf('default:0000000000000000000000'))).toMatchObject({
        code: 'NOT_FOUND',
        status: 404,
      });
      const failed = await ended(talk, once);
      expect(failed).toMatchObject({ state: 'failed', attempts: 1, error: { code: 'UNAVAILABLE' } });
      expect(failed.error?.message).toContain('step 2');
      expect(failed).not.toHaveProperty('result');
      expect((await talk.ask(amend(once, 'retry'))).value).toEqual({ outcome: 'done' });
      // Anew from its first attempt, which fails as before.
      await eventually(
        () => talk.poll<Job>(jobOf(once)),
        ({ value }) => value.state === 'failed' && between(failed.finishedAt, value.finishedAt) > 0,
      );
    },
  },
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
    title: 'a delayed job waits for its time',
    async play(talk) {
      const id = expectAccepted(await talk.ask(push('echo', 1, { delayMs: 300 })), talk);
      expect(['delayed', 'waiting', 'active', 'completed']).toContain((await talk.poll<Job>(jobOf(id))).value.state);
      const job = await ended(talk, id);
      expect(job.state).toBe('completed');
      expect(between(job.createdAt, job.startedAt)).toBeGreaterThanOrEqual(300);
      const far = expectAccepted(await talk.ask(push('echo', 1, { delayMs: 600_000 })), talk);
      expect((await talk.ask<Job>(jobOf(far))).value).toMatchObject({ state: 'delayed', attempts: 0 });
      expect((await talk.ask(amend(far, 'cancel'))).value).toEqual({ outcome: 'done' });
      expect((await talk.ask<Job>(jobOf(far))).value).toMatchObject({ state: 'cancelled' });
      expect(await talk.ask(amend(far, 'cancel'))).toMatchObject({ code: 'CONFLICT', status: 409 });
    },
  },
  {
    title: 'while an unfinished job has a dedupe key its id is answered',
    async play(talk) {
      const options = { dedupeKey: `${talk.run}:once`, delayMs: 600_000 };
      const id = expectAccepted(await talk.ask(push('echo', 1, options)), talk);
      expect(expectAccepted(await talk.ask(push('echo', 2, options)), talk)).toBe(id);
      const both = await Promise.all([
        talk.poll<Pushed>(push('echo', 3, options)),
        talk.poll<Pushed>(push('echo', 4, options)),
      ]);
      expect(both.map(({ value }) => value.jobId)).toEqual([id, id]);
      await talk.ask(amend(id, 'cancel'));
      const next = expectAccepted(await talk.ask(push('echo', 5, { dedupeKey: options.dedupeKey })), talk);
      expect(next).not.toBe(id);
      expect(await ended(talk, next)).toMatchObject({ state: 'completed', result: 5 });
    },
  },
  {
    title: 'a failed job may run again with other data',
    async play(talk) {
      const id = expectAccepted(
        await talk.ask(push('count', { steps: 1, stepMs: 0, failAt: 1 }, { attempts: 1 })),
        talk,
      );
      expect((await ended(talk, id)).state).toBe('failed');
      const anew = (one: string, data: unknown): Question => ({
        rest: ['POST', `/api/jobs/${encodeURIComponent(one)}/retry`, { data }],
        trpc: (client) => client.jobs.retry.mutate({ id: one, data }),
      });
      const wrong = await talk.ask(anew(id, { steps: 'many' }));
      expect(wrong).toMatchObject({ code: 'INVALID', status: 400 });
      expect((await talk.ask<Job>(jobOf(id))).value).toMatchObject({ state: 'failed' });
      expect((await talk.ask(anew(id, { steps: 2, stepMs: 0 }))).value).toEqual({ outcome: 'done' });
      const job = await ended(talk, id);
      expect(job).toMatchObject({ state: 'completed', attempts: 1, result: { counted: 2, attempt: 1 } });
      expect(await talk.ask(anew(id, { steps: 1 }))).toMatchObject({ code: 'CONFLICT', status: 409 });
      const unknown = await talk.ask(anew('default:0000000000000000000000', { steps: 1 }));
      expect(unknown).toMatchObject({ code: 'NOT_FOUND', status: 404 });
    },
  },
  {
    title: 'a dedupe mode lets newer data take the place of what has not run yet',
    async play(talk) {
      const held = (mode: string) => ({ dedupeKey: `${talk.run}:${mode}`, dedupe: mode, delayMs: 600_000 });
      const id = expectAccepted(await talk.ask(push('echo', 1, held('replace'))), talk);
      expect(expectAccepted(await talk.ask(push('echo', 2, { ...held('replace'), delayMs: 0 })), talk)).toBe(id);
      expect((await talk.ask<Job>(jobOf(id))).value).toMatchObject({ state: 'delayed', attempts: 0 });
      const later = expectAccepted(await talk.ask(push('echo', 3, held('debounce'))), talk);
      expect(expectAccepted(await talk.ask(push('echo', 4, { ...held('debounce'), delayMs: 0 })), talk)).toBe(later);
      expect(await ended(talk, later)).toMatchObject({ state: 'completed', result: 4 });
      await talk.ask(amend(id, 'cancel'));
      const bare = await talk.ask(push('echo', 1, { dedupe: 'replace' }));
      expect(bare).toMatchObject({ code: 'INVALID', status: 400 });
      const wrong = await talk.ask(push('echo', 1, { dedupeKey: 'k', dedupe: 'always' }));
      expect(wrong).toMatchObject({ code: 'INVALID', status: 400, issues: ['dedupe'] });
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
    title: 'what cannot run is refused when it is pushed',
    async play({ ask, run }) {
      expect(await ask(push('nobody-knows', 1))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
      const bad = await ask(push('count', { steps: 'many' }));
      expect(bad).toMatchObject({ code: 'INVALID', status: 400 });
      expect(bad.issues).toHaveLength(1);
      expect(bad.issues[0]).toMatch(/(^|\.)steps$/);
      for (const [name, value] of [
        ['delayMs', -1],
        ['priority', 1_001],
        ['attempts', 0],
        ['dedupeKey', ''],
        ['group', ''],
      ] as const) {
        expect(await ask(push('echo', 1, { [name]: value }))).toMatchObject({
          code: 'INVALID',
          status: 400,
          issues: [name],
        });
      }
      expect(await ask(push('echo', 1, {}, 'no%20name'))).toMatchObject({ code: 'INVALID', status: 400 });
      expect(await ask(jobOf('default:0000000000000000000000'))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
      expect(await ask(jobOf(`nonsense-${run}`))).toMatchObject({
        status: expect.toSatisfy((one) => one === 404 || one === 400),
      });
    },
  },
];
