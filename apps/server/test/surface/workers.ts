import { expect } from 'vitest';
import { eventually } from '../systems.ts';
import type { Case } from './case.ts';
import type { Question, Talk } from './talk.ts';

interface Workers {
  readonly workers: readonly {
    readonly instance: string;
    readonly state: string;
    readonly queues: readonly string[];
    readonly active: number;
  }[];
  readonly missing: readonly string[];
}
interface Report {
  readonly replies: readonly {
    readonly instance: string;
    readonly outcome: string;
    readonly result?: { readonly affected: boolean; readonly state: string | null };
  }[];
}

const list: Question = { rest: ['GET', '/api/workers'], trpc: (client) => client.workers.list.query() };
const send = (name: string, args: object): Question => ({
  rest: ['POST', '/api/commands', { name, args }],
  trpc: (client) => client.commands.send.mutate({ name, args }),
});

/** What the only worker says of itself. */
async function workerOf({ poll }: Talk): Promise<Workers['workers'][number]> {
  const { value } = await eventually(
    () => poll<Workers>(list),
    ({ value }) => value.workers.length === 1,
  );
  return value.workers[0] as Workers['workers'][number];
}

export const workerCases: readonly Case[] = [
  {
    title: 'a live worker is listed with what it serves and runs',
    async play(talk) {
      expect(await workerOf(talk)).toEqual({
        instance: expect.any(String),
        host: expect.any(String),
        pid: expect.any(Number),
        state: 'running',
        concurrency: 50,
        queues: expect.arrayContaining(['default', 'pages']),
        active: expect.any(Number),
        jobs: expect.any(Array),
      });
    },
  },
  {
    title: 'a worker is told to be quiet and to resume; whoever is not meant is not affected',
    async play(talk) {
      const { instance } = await workerOf(talk);
      const told = async (name: string, args: object) => {
        const { value } = await talk.poll<Report>(send(name, args));
        return value.replies.find((reply) => reply.instance === instance);
      };
      expect(await told('worker.quiet', { instances: ['nobody'] })).toMatchObject({
        outcome: 'ok',
        result: { affected: false, state: 'running' },
      });
      expect(await told('worker.quiet', { instances: [instance] })).toMatchObject({
        outcome: 'ok',
        result: { affected: true, state: 'quiet' },
      });
      expect((await workerOf(talk)).state).toBe('quiet');
      expect(await told('worker.resume', {})).toMatchObject({ result: { affected: true, state: 'running' } });
      expect((await workerOf(talk)).state).toBe('running');
      expect(await talk.poll(send('worker.quiet', { instances: [] }))).toMatchObject({ code: 'INVALID', status: 400 });
    },
  },
];
