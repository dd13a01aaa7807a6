import { errorAt, invalid } from './errors.ts';
import { type ChildPolicy, encodeParent } from './flow-part.ts';
import type { JobDefinition } from './job.ts';
import { jobId } from './job-envelope.ts';
import { checkKey } from './names.ts';
import type { NewJob } from './ports/queue-push.ts';
import type { EnqueueOptions } from './queue-contract.ts';
import type { InputOf, Schema } from './schema.ts';

/** A dedupe key, or an id of the caller's, would let a job of another flow stand for this one's. */
export type FlowJobOptions = Omit<EnqueueOptions, 'id' | 'dedupeKey' | 'dedupe'>;

/** A job and the jobs that it waits for, in any queues. */
export interface FlowNode {
  readonly job: JobDefinition;
  readonly data: unknown;
  /** `delayMs` is for jobs without children only. */
  readonly options?: FlowJobOptions;
  /** By the names under which the handler finds their outcomes. */
  readonly children?: Readonly<Record<string, FlowNode>>;
  /**
   * When a child has failed or was cancelled for good: `fail` (if not said) fails this job at once, without a run and with an error that names the child,
   * and so on upwards; `pass` runs it all the same once all children have finished. The other children are left alone either way.
   */
  readonly onChildFailure?: ChildPolicy;
}

/** Holds the data of every node to the input of its job. */
export type CheckedFlow<N> = N extends { readonly job: JobDefinition<infer I extends Schema> }
  ? {
      readonly data: InputOf<I>;
      readonly children?: N extends { readonly children: infer C }
        ? { readonly [K in keyof C]: CheckedFlow<C[K]> }
        : unknown;
    }
  : never;

/** Ids of a flow's jobs, in its shape. */
export interface EnqueuedFlow<N = FlowNode> {
  readonly id: string;
  readonly children: N extends { readonly children: infer C }
    ? { readonly [K in keyof C]: EnqueuedFlow<C[K]> }
    : Readonly<Record<string, never>>;
}

/** What a job of a flow is made with beside its data and options. */
export interface Kinship {
  /** Its id in the store. */
  readonly local: string;
  readonly parent?: string;
  /** Ids by name. */
  readonly children?: Readonly<Record<string, string>>;
}

export type MakeJob = (job: JobDefinition, data: unknown, options: EnqueueOptions, kin: Kinship) => Promise<NewJob>;

/** Jobs of one queue that are pushed together. */
export interface FlowPush {
  readonly queue: string;
  readonly jobs: readonly NewJob[];
}

export interface FlowPlan {
  readonly ids: EnqueuedFlow;
  /** One after the other; those of one step in any order. */
  readonly steps: readonly (readonly FlowPush[])[];
}

const MAX_DEPTH = 10;
const MAX_JOBS = 1_000;

interface Planned {
  readonly ids: EnqueuedFlow;
  readonly queue: string;
  readonly step: number;
}

/**
 * Makes and checks every job of a flow, and tells in which order to store them: no job before its children, so that whoever finds a parent finds
 * them too; what is in one queue is stored in as few steps as that allows, mostly in one.
 */
export async function planFlow(root: FlowNode, make: MakeJob, newId: () => string): Promise<FlowPlan> {
  const steps: Map<string, NewJob[]>[] = [];
  let count = 0;

  async function plan(node: FlowNode, place: readonly string[], parent?: string): Promise<Planned> {
    if (place.length / 2 >= MAX_DEPTH) throw invalid(`flow: deeper than ${MAX_DEPTH} jobs`);
    if (++count > MAX_JOBS) throw invalid(`flow: more than ${MAX_JOBS} jobs`);
    const { job, data, options = {}, onChildFailure = 'fail' } = node;
    if ('dedupeKey' in options) throw invalid(`flow: job ${job.name} may not have a dedupe key`);
    if ('id' in options) throw invalid(`flow: job ${job.name} may not have an id of its own`);
    const queue = options.queue ?? job.queue;
    const local = newId();
    const id = jobId(queue, local);
    const children: [string, Planned][] = [];
    for (const [key, child] of Object.entries(node.children ?? {})) {
      checkKey(key, 'name of a child');
      children.push([
        key,
        await plan(child, [...place, 'children', key], encodeParent({ id, key, policy: onChildFailure })),
      ]);
    }
    if (children.length > 0 && options.delayMs)
      throw invalid(`flow: job ${job.name} waits for children, not for a delay`);
    const made = await make(job, data, options, {
      local,
      ...(parent === undefined ? {} : { parent }),
      ...(children.length > 0 ? { children: Object.fromEntries(children.map(([key, { ids }]) => [key, ids.id])) } : {}),
    }).catch((error: unknown) => {
      throw errorAt(place, error);
    });
    const step = Math.max(0, ...children.map(([, child]) => child.step + (child.queue === queue ? 0 : 1)));
    const pushes = steps[step] ?? new Map<string, NewJob[]>();
    steps[step] = pushes;
    const jobs = pushes.get(queue) ?? [];
    pushes.set(queue, jobs);
    jobs.push(made);
    return {
      ids: { id, children: Object.fromEntries(children.map(([key, { ids }]) => [key, ids])) },
      queue,
      step,
    } as Planned;
  }

  const { ids } = await plan(root, []);
  return { ids, steps: steps.map((pushes) => [...pushes].map(([queue, jobs]) => ({ queue, jobs }))) };
}
