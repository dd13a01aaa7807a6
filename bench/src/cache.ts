/** Hits of a cache beside Bentocache. Run: `npx -y pnpm@12 bench cache [--quick] [--rounds N] [--only TEXT]`. */
import { type Contender, THROUGHPUT } from './harness/contest.ts';
import { runSuite } from './harness/suite.ts';

const bentocache = (name: string, where: string, parameters: Contender['parameters']): Contender => ({
  name,
  module: 'cache/bentocache',
  arguments: [where],
  ...(parameters ? { parameters } : {}),
});
const portolan = (name: string, where: string, aim: number): Contender => ({
  name,
  module: 'cache/portolan',
  arguments: [where],
  own: true,
  aim,
});

await runSuite(({ of }) => [
  {
    title: 'Cache: hit in process',
    work: 'hit',
    parameters: { callers: 100, calls: of(500_000, 100_000) },
    contenders: [
      bentocache('Bentocache, the stored object', 'memory', { serialize: 0 }),
      bentocache('Bentocache, an object of one’s own', 'memory', { serialize: 1 }),
      { name: 'a map behind an async function', module: 'cache/map', reference: true },
      portolan('Portolan (memory), an object of one’s own', 'memory', 10),
    ],
    base: 'Bentocache, the stored object',
    measures: THROUGHPUT,
    note: 'Who gets the stored object must not change it; an object of one’s own is parsed from JSON at each hit.',
  },
  {
    title: 'Cache: hit in Redis, 100 callers',
    work: 'hit',
    parameters: { callers: 100, calls: of(200_000, 40_000) },
    contenders: [
      bentocache('Bentocache', 'redis', { pipelining: 0 }),
      bentocache('Bentocache, auto-pipelining', 'redis', { pipelining: 1 }),
      portolan('Portolan (Redis)', 'redis', 2),
    ],
    base: 'Bentocache',
    measures: THROUGHPUT,
    note: 'No layer in the process on either side. Values of 170 bytes, 100 keys.',
  },
]);
