/** JSON values in Redis beside Keyv and unstorage. Run: `npx -y pnpm@12 bench key-value [--quick] [--rounds N] [--only TEXT]`. */
import { type Contender, type Contest, THROUGHPUT } from './harness/contest.ts';
import { runSuite } from './harness/suite.ts';

const CONTENDERS: readonly Contender[] = [
  { name: 'Keyv', module: 'key-value/keyv' },
  { name: 'unstorage', module: 'key-value/unstorage' },
  { name: 'unstorage, auto-pipelining', module: 'key-value/unstorage', parameters: { pipelining: 1 } },
  { name: 'ioredis alone, auto-pipelining', module: 'key-value/ioredis', reference: true },
  { name: 'Portolan (Redis)', module: 'key-value/portolan', arguments: ['redis'], own: true, aim: 1.2 },
];

await runSuite(({ of }) =>
  ['set', 'get'].flatMap((work) =>
    [1, 100].map((callers): Contest => {
      return {
        title: `Key-value: ${work} JSON in Redis, ${callers} ${callers === 1 ? 'caller' : 'callers'}`,
        work,
        parameters: { callers, calls: callers === 1 ? of(30_000, 10_000) : of(200_000, 40_000) },
        contenders: CONTENDERS.map((one) => (one.own && callers === 1 ? { ...one, aim: 1 } : one)),
        base: 'Keyv',
        measures: THROUGHPUT,
        note: 'Values of 170 bytes, 10,000 keys.',
      };
    }),
  ),
);
