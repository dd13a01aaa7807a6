import { z } from 'zod';
import { jobState } from '../jobs/schema.ts';

export { idInput } from '../jobs/schema.ts';

/** A job of a flow. */
export interface FlowInput {
  readonly name: string;
  readonly data: unknown;
  readonly queue?: string | undefined;
  readonly delayMs?: number | undefined;
  readonly priority?: number | undefined;
  readonly attempts?: number | undefined;
  readonly group?: string | undefined;
  readonly onChildFailure?: 'fail' | 'pass' | undefined;
  readonly children?: Readonly<Record<string, FlowInput>> | undefined;
}

const MAX_DEPTH = 10;

const alone = z.strictObject({
  name: z.string().min(1).max(128).describe('a job the workers know'),
  data: z.unknown(),
  queue: z.string().min(1).max(128).optional().describe('the queue of the job unless told'),
  delayMs: z.int().min(0).optional().describe('for jobs without children'),
  priority: z.int().min(-1_000).max(1_000).optional(),
  attempts: z.int().min(1).max(100).optional(),
  group: z.string().min(1).max(256).optional(),
});

/** Described one level deep: the document that describes the routes knows no shape that holds itself. */
const above = (child: z.ZodType<FlowInput>) =>
  z.strictObject({
    ...alone.shape,
    onChildFailure: z
      .enum(['fail', 'pass'])
      .optional()
      .describe('whether a child that fails for good fails this job at once (unless told), or is seen by it'),
    children: z
      .record(z.string().min(1).max(512), z.unknown().pipe(child))
      .optional()
      .describe(
        `the jobs it waits for, by name; each like this one, down to ${MAX_DEPTH} levels and 1,000 jobs in all`,
      ),
  });

let below: z.ZodType<FlowInput> = alone;
for (let depth = 2; depth < MAX_DEPTH; depth++) below = above(below);
export const pushInput = above(below);

export const pushedOutput = z.object({
  jobId: z.string(),
  children: z.record(z.string(), z.unknown()).describe('the same of each child, by name'),
});

export const childrenOutput = z.object({
  children: z.record(
    z.string(),
    z.object({
      id: z.string(),
      state: z.enum([...jobState.options, 'missing']).describe('missing: no longer kept, and it told no outcome'),
      result: z.unknown().optional(),
      error: z.object({ code: z.string(), message: z.string() }).optional(),
    }),
  ),
});
