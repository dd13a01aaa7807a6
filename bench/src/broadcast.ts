/** Messages to two subscribers beside Redis's own publish and subscribe. Run: `npx -y pnpm@12 bench broadcast [--quick] [--rounds N] [--only TEXT]`. */
import { type Contender, type Contest, LATENCY, THROUGHPUT } from './harness/contest.ts';
import { runSuite } from './harness/suite.ts';

const PUBSUB: Contender = { name: 'pub/sub with ioredis', module: 'broadcast/ioredis' };
const PIPELINED: Contender = {
  name: 'pub/sub with ioredis, auto-pipelining',
  module: 'broadcast/ioredis',
  parameters: { pipelining: 1 },
};
const PORTOLAN: Contender = { name: 'Portolan (Redis)', module: 'broadcast/portolan', arguments: ['redis'], own: true };
const NOTE =
  'Portolan keeps the messages, and who was away reads them later; pub/sub forgets them. Publisher and subscribers have connections of their own.';

await runSuite(({ of }): Contest[] => [
  {
    title: 'Broadcast: publish to two subscribers, 100 callers',
    work: 'publish',
    parameters: { callers: 100, messages: of(100_000, 20_000) },
    contenders: [PUBSUB, PIPELINED, PORTOLAN],
    base: PUBSUB.name,
    measures: THROUGHPUT,
    note: NOTE,
  },
  {
    title: 'Broadcast: publish to receipt, idle',
    work: 'latency',
    parameters: { messages: of(1_000, 200) },
    contenders: [PUBSUB, PORTOLAN],
    base: PUBSUB.name,
    measures: LATENCY,
    note: NOTE,
  },
]);
