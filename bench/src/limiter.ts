/** Rate limits in Redis beside rate-limiter-flexible. Run: `npx -y pnpm@12 bench limiter [--quick] [--rounds N] [--only TEXT]`. */
import { type Contender, type Contest, THROUGHPUT } from './harness/contest.ts';
import { runSuite } from './harness/suite.ts';

const PEER: Contender = { name: 'rate-limiter-flexible', module: 'limiter/rate-limiter-flexible' };
const portolan = (name: string, kind: string): Contender => ({
  name,
  module: 'limiter/portolan',
  arguments: ['redis', kind],
  own: true,
  aim: 2,
});

await runSuite(({ of }) => {
  const contest = (title: string, limit: number): Contest => ({
    title,
    work: 'consume',
    parameters: { callers: 100, calls: of(200_000, 40_000), limit },
    contenders: [
      PEER,
      { ...PEER, name: 'rate-limiter-flexible, auto-pipelining', parameters: { pipelining: 1 } },
      portolan('Portolan (Redis), fixed window', 'fixed'),
      portolan('Portolan (Redis), GCRA', 'gcra'),
    ],
    base: 'rate-limiter-flexible',
    measures: THROUGHPUT,
    note: '1,000 clients, windows of a minute. The peer counts in fixed windows.',
  });
  return [
    contest('Limiter: consume that is allowed, 100 callers', 1_000_000),
    contest('Limiter: consume that is refused, 100 callers', 10),
  ];
});
