import { type EnqueuedFlow, type FlowNode, PortolanError, type Queue } from '@portolan/core';
import { definitionOf } from '../jobs/jobs.ts';
import type { FlowInput } from './schema.ts';

export type FlowsService = ReturnType<typeof createFlowsService>;

interface Pushed {
  readonly jobId: string;
  readonly children: Record<string, Pushed>;
}

const mapValues = <A, B>(all: Readonly<Record<string, A>>, map: (one: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(all).map(([key, one]) => [key, map(one)]));

function toNode({ name, data, onChildFailure, children, ...options }: FlowInput): FlowNode {
  return {
    job: definitionOf(name),
    data,
    options: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
    ...(onChildFailure === undefined ? {} : { onChildFailure }),
    ...(children === undefined ? {} : { children: mapValues(children, toNode) }),
  };
}

const toPushed = ({ id, children }: EnqueuedFlow): Pushed => ({ jobId: id, children: mapValues(children, toPushed) });

/** Jobs that wait for others. */
export function createFlowsService(queue: Queue) {
  return {
    push: async (flow: FlowInput) => toPushed(await queue.enqueueFlow(toNode(flow) as FlowNode & { data: never })),
    async children(id: string) {
      const children = await queue.children(id);
      if (!children) throw new PortolanError('NOT_FOUND', `job ${id} does not exist, or is no longer kept`);
      return { children };
    },
  };
}
