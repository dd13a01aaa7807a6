import { expect } from 'vitest';
import { eventually } from '../systems.ts';
import type { Case } from './case.ts';
import type { Question, Talk } from './talk.ts';

interface Node {
  readonly name: string;
  readonly data: unknown;
  readonly children?: Readonly<Record<string, Node>>;
  readonly [option: string]: unknown;
}
interface Pushed {
  readonly jobId: string;
  readonly children: Readonly<Record<string, Pushed>>;
}
interface Job {
  readonly id: string;
  readonly state: string;
  readonly parent?: string;
  readonly awaits?: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

const push = (flow: Node): Question => ({
  rest: ['POST', '/api/flows', flow],
  trpc: (client) => client.flows.push.mutate(flow),
});
const jobOf = (id: string): Question => ({
  rest: ['GET', `/api/jobs/${encodeURIComponent(id)}`],
  trpc: (client) => client.jobs.get.query({ id }),
});
const childrenOf = (id: string): Question => ({
  rest: ['GET', `/api/jobs/${encodeURIComponent(id)}/children`],
  trpc: (client) => client.flows.children.query({ id }),
});
const cancel = (id: string): Question => ({
  rest: ['POST', `/api/jobs/${encodeURIComponent(id)}/cancel`],
  trpc: (client) => client.jobs.cancel.mutate({ id }),
});

/** The job once it ended, written into the transcript. */
async function ended({ poll, ask }: Talk, id: string): Promise<Job> {
  await eventually(
    () => poll<Job>(jobOf(id)),
    ({ value }) => ['completed', 'failed', 'cancelled'].includes(value.state),
  );
  return (await ask<Job>(jobOf(id))).value;
}

const echo = (data: unknown, options: Record<string, unknown> = {}): Node => ({ name: 'echo', data, ...options });

export const flowCases: readonly Case[] = [
  {
    title: 'a parent runs after its children, over levels and queues, and answers what they did',
    async play(talk) {
      const other = `e2e-${talk.run}-flow`;
      const pushed = await talk.ask<Pushed>(
        push({
          name: 'gather',
          data: null,
          children: {
            one: echo(1),
            two: {
              name: 'gather',
              data: null,
              queue: other,
              children: { a: echo({ n: ['ü', null] }), b: echo(2, { queue: other }) },
            },
          },
        }),
      );
      if (talk.transport === 'REST') expect(pushed.status).toBe(202);
      const { jobId, children } = pushed.value;
      const job = await ended(talk, jobId);
      expect(job).toMatchObject({ state: 'completed', result: { one: 1, two: { a: { n: ['ü', null] }, b: 2 } } });
      expect(job).not.toHaveProperty('parent');
      const one = await ended(talk, children.one?.jobId ?? '');
      expect(one).toMatchObject({ state: 'completed', parent: jobId });
      const { value } = await talk.ask<{ children: Record<string, Job> }>(childrenOf(jobId));
      expect(value.children).toEqual({
        one: { id: children.one?.jobId, state: 'completed', result: 1 },
        two: { id: children.two?.jobId, state: 'completed', result: { a: { n: ['ü', null] }, b: 2 } },
      });
      expect((await talk.ask(childrenOf(one.id))).value).toEqual({ children: {} });
    },
  },
  {
    title: 'a child that is cancelled fails its parent, or is seen by one that lets it pass',
    async play(talk) {
      const later = { delayMs: 600_000 };
      for (const onChildFailure of ['fail', 'pass'] as const) {
        const flow = { name: 'gather', data: null, onChildFailure, children: { late: echo(1, later), soon: echo(2) } };
        const { jobId, children } = (await talk.ask<Pushed>(push(flow))).value;
        const late = children.late?.jobId ?? '';
        await ended(talk, children.soon?.jobId ?? '');
        await eventually(
          () => talk.poll<Job>(jobOf(jobId)),
          ({ value }) => value.awaits === 1,
        );
        expect((await talk.ask<Job>(jobOf(jobId))).value).toMatchObject({ state: 'delayed', awaits: 1 });
        const { value } = await talk.ask<{ children: Record<string, Job> }>(childrenOf(jobId));
        expect(value.children).toMatchObject({ late: { state: 'delayed' }, soon: { state: 'completed', result: 2 } });
        await talk.ask(cancel(late));
        const job = await ended(talk, jobId);
        if (onChildFailure === 'pass')
          expect(job).toMatchObject({ state: 'completed', result: { late: 'cancelled', soon: 2 } });
        else {
          const message = `child "late" (${late}) was cancelled`;
          expect(job).toMatchObject({ state: 'failed', error: { code: 'CANCELLED', message } });
        }
      }
    },
  },
  {
    title: 'a flow that cannot be meant is refused, and names the node',
    async play({ ask }) {
      const flow = (children: Readonly<Record<string, Node>>): Node => ({ name: 'gather', data: null, children });
      expect(await ask(push(flow({ a: { name: 'nobody-knows', data: 1 } })))).toMatchObject({ code: 'NOT_FOUND' });
      const unknown = await ask(push(flow({ a: flow({ b: echo(1, { dedupeKey: 'k' }) }) })));
      expect(unknown).toMatchObject({ code: 'INVALID', status: 400 });
      expect(unknown.issues[0]).toContain('children.a.children.b');
      let deep = echo(1);
      for (let depth = 1; depth <= 10; depth++) deep = flow({ a: deep });
      expect(await ask(push(deep))).toMatchObject({ code: 'INVALID', status: 400 });
      const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`c${at}`, echo(at)]));
      expect(await ask(push(flow(many)))).toMatchObject({ code: 'INVALID', status: 400 });
      expect(await ask(childrenOf('default:0000000000000000000000'))).toMatchObject({ code: 'NOT_FOUND', status: 404 });
    },
  },
];
