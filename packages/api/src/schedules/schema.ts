import { z } from 'zod';

const queue = z.string().min(1).max(128);
const id = z.string().min(1).max(128).describe('unique in the queue');
const priority = z.int().min(-1_000).max(1_000);
const missed = z.enum(['once', 'skip', 'all']);

export const putInput = z.strictObject({
  queue,
  id,
  name: z.string().min(1).max(128).describe('a job the workers know'),
  data: z.unknown(),
  cron: z.string().min(1).max(200).optional().describe('five fields, or six with seconds; this or everyMs'),
  timeZone: z.string().min(1).max(100).optional().describe('of cron, as in Europe/Rome; UTC unless told'),
  everyMs: z.int().min(1_000).optional().describe('counted from startAt, or from the epoch'),
  startAt: z.iso.datetime({ offset: true }).optional(),
  endAt: z.iso.datetime({ offset: true }).optional(),
  missed: missed
    .optional()
    .describe(
      'of ticks that no worker was there for: once (unless told) runs one job for all, skip none that is a minute late, all each',
    ),
  priority: priority.optional().describe('higher runs first; 0 unless told'),
  attempts: z.int().min(1).max(100).optional().describe('runs allowed'),
  dedupeKey: z.string().min(1).max(512).optional().describe('while an unfinished job has this key, a tick makes none'),
  group: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('of its jobs: shares the limits that the queue sets for each group'),
});
export const scheduleInput = z.strictObject({ queue, id });
export const listInput = z.strictObject({
  queue,
  cursor: z.string().nullish(),
  limit: z.int().min(1).max(500).optional(),
});

export const doneOutput = z.object({ outcome: z.literal('done') });
const scheduleOutput = z.object({
  id: z.string(),
  queue: z.string(),
  name: z.string(),
  data: z.unknown(),
  cron: z.string().optional(),
  timeZone: z.string().optional(),
  everyMs: z.int().optional(),
  startAt: z.string().optional(),
  endAt: z.string().optional(),
  missed,
  priority,
  attempts: z.int(),
  dedupeKey: z.string().optional(),
  group: z.string().optional(),
  nextAt: z.string().describe('of the next tick; past while it is missed'),
  lastAt: z.string().nullable().describe('of the newest tick that made a job'),
  unknownKey: z.string().optional().describe('a payload key that the server lacks: what it encrypts is left out'),
});
export type ScheduleOutput = z.output<typeof scheduleOutput>;
export const listOutput = z.object({ schedules: z.array(scheduleOutput), cursor: z.string().nullable() });
