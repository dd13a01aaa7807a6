import { type Backend, createRuntime, encodeIndexKey } from '@portolan/core';
import { openStore } from '@portolan/platform';

export interface Figures {
  readonly documents: number;
  readonly keys: number;
  readonly jobs: number;
  readonly messages: number;
}

/** What the normal run moves, and what a whole one does (`COPY_FIGURES=full`). */
export const FIGURES: Figures =
  process.env.COPY_FIGURES === 'full'
    ? { documents: 100_000, keys: 100_000, jobs: 50_000, messages: 10_000 }
    : { documents: 3_000, keys: 3_000, jobs: 2_000, messages: 1_000 };

const HOUR = 3_600_000;

export const open = (url: string, namespace: string): Promise<Backend> =>
  openStore(url, { namespace, runtime: createRuntime(), deadlineMs: 30_000 });

/** Documents with a plain and a unique index, keys with TTL, waiting jobs of three priorities and some of every other state, one topic; a little of the rest. */
export async function fill(backend: Backend, { documents, keys, jobs, messages }: Figures): Promise<void> {
  const { document, keyValue, queue, broadcast, counter, cache } = backend;
  const now = Date.now();
  const steps = (count: number, size: number) =>
    Array.from({ length: Math.ceil(count / size) }, (_, step) =>
      Array.from({ length: Math.min(size, count - step * size) }, (_, at) => step * size + at),
    );

  for (const some of steps(documents, 100)) {
    await document.commit(
      'people',
      some.map((at) => ({
        op: 'put' as const,
        id: `person ${at}`,
        expect: 'any' as const,
        body: JSON.stringify({ name: `Person ${at}`, email: `p${at}@example.com`, city: `City ${at % 97}` }),
        entries: [
          { index: 'email', key: encodeIndexKey(`p${at}@example.com`, 'email'), unique: true },
          { index: 'city', key: encodeIndexKey(`City ${at % 97}`, 'city') },
        ],
        expiresAt: null,
      })),
    );
  }
  await document.commit('people', [{ op: 'delete', id: 'person 7', expect: 'any' }]);
  for (const some of steps(keys, 1_000)) {
    await Promise.all(
      some.map((at) =>
        keyValue.commit(
          [],
          [{ op: 'set', key: `session:${at}`, value: `{"user":${at}}`, expiresAt: now + 2 * HOUR + at }],
        ),
      ),
    );
  }
  await keyValue.commit([], [{ op: 'setFields', key: 'hash', fields: { a: '1', b: '2' }, expiresAt: null }]);
  for (const some of steps(jobs, 500)) {
    await queue.push(
      'mail',
      some.map((at) => ({
        id: `job ${String(at).padStart(6, '0')}`,
        body: `{"name":"mail","data":{"to":${at}}}`,
        priority: at % 50 === 0 ? 5 : 0,
        delayMs: 0,
      })),
    );
  }
  await queue.push('mail', [{ id: 'later', body: '{}', priority: 0, delayMs: 10 * HOUR, dedupeKey: 'later' }]);
  for (const some of steps(messages, 500)) {
    await broadcast.append(
      'news',
      some.map((at) => ({ data: `{"n":${at}}` })),
      { count: messages, ms: 5 * HOUR, resumeMs: HOUR },
    );
  }
  await counter.write('visits', 123_456);
  await cache.acquire('page', { seen: null, lease: 'l', leaseMs: 5_000, force: false, tags: ['news'] });
  await cache.fill('page', 'l', '{"value":1}', 5 * HOUR);
}
