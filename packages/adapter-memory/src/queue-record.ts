import { HELD_DUE_AT, type JobRecord } from '@portolan/core';
import type { Job } from './queue-job.ts';

export function toRecord(job: Job): JobRecord {
  const { id, body, state, priority, group, stalls, progress, result, error, startedAt, finishedAt, parent } = job;
  const dueAt = job.dueAt === HELD_DUE_AT ? null : job.dueAt;
  const awaits = job.awaits ?? 0;
  const attempts = job.runs + (state === 'active' ? 1 : 0);
  const times = { dueAt, startedAt, finishedAt };
  return { id, body, state, priority, group, attempts, stalls, progress, result, error, ...times, parent, awaits };
}
