import { expect } from 'vitest';
import { eventually } from '../systems.ts';
import type { Case } from './case.ts';
import {
  amend,
  between,
  ended,
  expectAccepted,
  isTime,
  type Job,
  jobOf,
  logsOf,
  type Pushed,
  push,
} from './job-kit.ts';
import type { Question } from './talk.ts';

/** One job: pushed, run, failed, retried, delayed, held by a key, refused. */
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
        priority: 0,
        data: { n: [1, null, 'ü'] },
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
    title: 'a push with an id may be repeated, and makes one job',
    async play(talk) {
      const options = { id: `${talk.run}-order.7` };
      const id = expectAccepted(await talk.ask(push('echo', 1, options)), talk);
      expect(id).toBe(`default:${options.id}`);
      expect(expectAccepted(await talk.ask(push('echo', 2, options)), talk)).toBe(id);
      expect(await ended(talk, id)).toMatchObject({ state: 'completed', attempts: 1, result: 1 });
      expect(expectAccepted(await talk.ask(push('echo', 3, options)), talk)).toBe(id);
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
        ['id', 'a:b'],
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
