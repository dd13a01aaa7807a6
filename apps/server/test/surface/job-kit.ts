import { expect } from 'vitest';
import { eventually } from '../systems.ts';
import type { Answer, Question, Talk } from './talk.ts';

export interface Job {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly data?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
  readonly progress: unknown;
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
}
export interface Pushed {
  readonly jobId: string;
}

export const jobOf = (id: string): Question => ({
  rest: ['GET', `/api/jobs/${encodeURIComponent(id)}`],
  trpc: (client) => client.jobs.get.query({ id }),
});
export const logsOf = (id: string): Question => ({
  rest: ['GET', `/api/jobs/${encodeURIComponent(id)}/logs`],
  trpc: (client) => client.jobs.logs.query({ id }),
});
export const push = (
  name: string,
  data: unknown,
  options: Record<string, unknown> = {},
  queue = 'default',
): Question => ({
  rest: ['POST', `/api/queues/${queue}/jobs`, { name, data, ...options }],
  trpc: (client) => client.queues.push.mutate({ queue, name, data, ...options }),
});
export const amend = (id: string, what: 'cancel' | 'retry' | 'promote'): Question => ({
  rest: ['POST', `/api/jobs/${encodeURIComponent(id)}/${what}`],
  trpc: (client) => client.jobs[what].mutate({ id }),
});

const ENDED = new Set(['completed', 'failed', 'cancelled']);

/** The job once it ended, written into the transcript. */
export async function ended({ poll, ask }: Talk, id: string): Promise<Job> {
  await eventually(
    () => poll<Job>(jobOf(id)),
    ({ code, value }) => code === 'OK' && ENDED.has(value.state),
  );
  return (await ask<Job>(jobOf(id))).value;
}

export function expectAccepted(answer: Answer<Pushed>, { transport }: Talk): string {
  expect(answer).toMatchObject({ code: 'OK', value: { jobId: expect.any(String) } });
  if (transport === 'REST') expect(answer.status).toBe(202);
  return answer.value.jobId;
}

export const isTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
export const between = (from?: string, to?: string): number => Date.parse(to ?? '') - Date.parse(from ?? '');

export const remove = (id: string): Question => ({
  rest: ['DELETE', `/api/jobs/${encodeURIComponent(id)}`],
  trpc: (client) => client.jobs.remove.mutate({ id }),
});
