/**
 * Jobs: Portolan on Redis and on SQLite beside BullMQ. Same Redis, same data and result, the same number of completed jobs kept with their results.
 * Run: `npx -y pnpm@12 bench queue [--quick] [--rounds N] [--only TEXT]`.
 */
import { type Contender, type Contest, LATENCY, THROUGHPUT } from './harness/contest.ts';
import { runSuite } from './harness/suite.ts';

const BULLMQ: Contender = { name: 'BullMQ', module: 'queue/bullmq' };
const redis = (aim?: number): Contender => ({
  name: 'Portolan (Redis)',
  module: 'queue/portolan',
  arguments: ['redis'],
  own: true,
  aim,
});
const sqlite = (aim?: number): Contender => ({
  name: 'Portolan (SQLite)',
  module: 'queue/portolan',
  arguments: ['sqlite'],
  own: true,
  aim,
});

const STATEMENTS = 'plain node:sqlite, the same statements';
const layer = (name: string, which: string): Contender => ({ name, module: 'queue/sqlite-parts', arguments: [which] });

const EVENTS = 'BullMQ writes its events to Redis, which cannot be switched off; nobody reads them here.';

await runSuite(({ of }): Contest[] => {
  const processing = (concurrency: number, jobs: number, aims: { redis: number; sqlite: number }): Contest => ({
    title: `Queue: process no-op jobs, ${concurrency} at a time`,
    work: 'process',
    parameters: { jobs, concurrency },
    contenders: [BULLMQ, redis(aims.redis), sqlite(aims.sqlite)],
    base: 'BullMQ',
    measures: THROUGHPUT,
    note: EVENTS,
  });
  const latency = (title: string, work: string, note: string): Contest => ({
    title,
    work,
    parameters: { trips: of(1_000, 200), concurrency: 50 },
    contenders: [BULLMQ, redis(), sqlite()],
    base: 'BullMQ',
    measures: LATENCY,
    note,
  });
  return [
    {
      title: 'Queue: add, 100 callers',
      work: 'add',
      parameters: { jobs: of(100_000, 20_000) },
      contenders: [
        BULLMQ,
        { ...BULLMQ, name: 'BullMQ, auto-pipelining', parameters: { pipelining: 1 } },
        redis(3),
        sqlite(),
      ],
      base: 'BullMQ',
      measures: THROUGHPUT,
    },
    processing(1, of(20_000, 5_000), { redis: 1.8, sqlite: 1.8 }),
    processing(50, of(100_000, 20_000), { redis: 4, sqlite: 10 }),
    processing(100, of(100_000, 20_000), { redis: 4, sqlite: 10 }),
    latency(
      'Queue: add to result, idle',
      'result',
      'What a producer in another process waits for: `queue.result`, and BullMQ’s `waitUntilFinished` with QueueEvents.',
    ),
    latency(
      'Queue: add to the worker’s event, idle',
      'event',
      'Until the `completed` event of the worker, in the producer’s process: the way through the queue without the way back.',
    ),
    {
      title: 'Queue: memory of a waiting job',
      work: 'bytes',
      parameters: { jobs: 10_000 },
      contenders: [BULLMQ, redis(2.5), { name: 'one hash and one list', module: 'queue/lists', reference: true }],
      base: 'BullMQ',
      measures: [{ key: 'bytes', label: 'bytes', better: 'less' }],
      note: 'Redis’s used_memory before and after 10,000 jobs with 170 bytes of data.',
    },
    {
      title: `Queue: process behind ${of(1_000_000, 50_000).toLocaleString('en')} waiting jobs, 50 at a time`,
      work: 'behind',
      parameters: { jobs: of(50_000, 10_000), concurrency: 50, few: 1_000, many: of(1_000_000, 50_000) },
      contenders: [BULLMQ, redis(), sqlite()],
      base: 'BullMQ',
      measures: [
        ...THROUGHPUT,
        { key: 'few', label: 'per second behind 1,000', better: 'more' },
        { key: 'kept', label: 'part of the speed kept', better: 'more' },
      ],
      note: EVENTS,
    },
    {
      title: 'Queue on SQLite: where the time of a job goes',
      work: 'layers',
      parameters: { jobs: of(100_000, 20_000) },
      contenders: [
        layer(STATEMENTS, 'statements'),
        layer('the port, 50 jobs a call', 'port'),
        layer('the worker, 50 at a time', 'worker'),
        layer('the worker, with data and results checked', 'checked'),
      ],
      base: STATEMENTS,
      measures: THROUGHPUT,
      parts: [
        { label: 'the statements and commits', of: STATEMENTS },
        { label: 'the adapter', of: 'the port, 50 jobs a call', less: STATEMENTS },
        { label: 'the worker’s loop', of: 'the worker, 50 at a time', less: 'the port, 50 jobs a call' },
        { label: 'Zod’s checks', of: 'the worker, with data and results checked', less: 'the worker, 50 at a time' },
      ],
      note: 'Claim and end of a job. The statements are those that the port really ran, recorded and run again on a copy of the file.',
    },
  ];
});
