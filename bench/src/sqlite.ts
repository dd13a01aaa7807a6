/**
 * Key-value on SQLite beside plain `node:sqlite`: the same file, pragmas, schema and statements, one transaction for each call.
 * Run: `npx -y pnpm@12 bench sqlite [--quick] [--rounds N] [--only TEXT]`.
 */
import { type Contender, type Contest, THROUGHPUT } from './harness/contest.ts';
import { runSuite } from './harness/suite.ts';

const BATCHES = 'plain node:sqlite, 100 a transaction';
const AS_TEXT = 'plain node:sqlite, text';
const AS_JSON = 'plain node:sqlite, JSON';
const PORT = 'Portolan’s port, text';
const KEY_VALUE = 'Portolan’s KeyValue, JSON';

const contender = (name: string, way: string): Contender => ({ name, module: 'sqlite/key-value', arguments: [way] });
/** The judged floor: what the store itself costs is a part of both. */
const own = { own: true, aim: 0.8 };

await runSuite(({ of }) =>
  ['set', 'get'].flatMap((work) =>
    [1, 10, 100].map(
      (callers): Contest => ({
        title: `SQLite: ${work}, ${callers} ${callers === 1 ? 'caller' : 'callers'}`,
        work,
        parameters: { callers, calls: of(200_000, 50_000) },
        contenders: [
          { ...contender(BATCHES, 'batches'), reference: true },
          { ...contender(AS_TEXT, 'text'), reference: true },
          contender(AS_JSON, 'json'),
          { ...contender(PORT, 'port'), ...own, against: AS_TEXT },
          { ...contender(KEY_VALUE, 'core'), ...own },
        ],
        base: AS_JSON,
        measures: THROUGHPUT,
        parts: [
          { label: 'the statement', of: BATCHES },
          { label: 'a transaction of its own', of: AS_TEXT, less: BATCHES },
          { label: 'the port: promises, and one transaction for all of a turn', of: PORT, less: AS_TEXT },
          { label: 'KeyValue: JSON and checks', of: KEY_VALUE, less: PORT },
          { label: 'of which JSON', of: AS_JSON, less: AS_TEXT },
        ],
        note: 'Values of 170 bytes, 10,000 keys. Plain is a loop without promises, which has one caller whatever the number.',
      }),
    ),
  ),
);
