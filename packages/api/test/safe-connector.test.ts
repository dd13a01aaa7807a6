import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { connect, type LookupFunction, type Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHostPolicy } from '../src/pages/host-policy.ts';
import { createSafeConnector, type Lookup } from '../src/pages/safe-connector.ts';
import { type RawSite, startRawSite } from './raw-site.ts';

const PUBLIC: LookupAddress = { address: '93.184.215.14', family: 4 };
const PUBLIC_V6: LookupAddress = { address: '2606:4700::1111', family: 6 };
const LOOPBACK: LookupAddress = { address: '127.0.0.1', family: 4 };
const MAPPED: LookupAddress = { address: '::ffff:10.0.0.1', family: 6 };

let site: RawSite;
beforeEach(async () => {
  site = await startRawSite(() => undefined);
});
afterEach(() => site.close());

interface Opened {
  error: Error | null;
  socket: Socket | null;
  /** The addresses undici would connect to. */
  vetted: string[];
  lookups: number;
  refused: string[];
}

/**
 * Opens `hostname` through the connector. The builder under it asks the lookup it was given, as net.connect does, and then opens a real
 * socket to the trap on loopback, as if something had led the connection there all the same.
 */
function open(hostname: string, answers: LookupAddress[][], all = true): Promise<Opened> {
  const opened: Opened = { error: null, socket: null, vetted: [], lookups: 0, refused: [] };
  const lookup: Lookup = async () => answers[opened.lookups++] ?? [];
  const build = ((options: { lookup: LookupFunction }) =>
    (_target: buildConnector.Options, callback: buildConnector.Callback) => {
      options.lookup(hostname, { all }, (error, found) => {
        if (error) return callback(error, null);
        opened.vetted = typeof found === 'string' ? [found] : found.map(({ address }) => address);
        const socket = connect(site.port, '127.0.0.1', () => callback(null, socket));
      });
    }) as typeof buildConnector;
  const connector = createSafeConnector({
    policy: createHostPolicy(['allowed.example:80']),
    lookup,
    timeoutMs: 1_000,
    onRefused: (_target, address) => opened.refused.push(address),
    build,
  });
  return new Promise((resolve) => {
    connector({ hostname, protocol: 'http:', port: '' }, (error, socket) =>
      resolve(Object.assign(opened, { error, socket })),
    );
  });
}

it.each(['127.0.0.1', '169.254.169.254', '::1', '::ffff:7f00:1', 'fd00::1'])(
  'refuses the literal %s',
  async (literal) => {
    const { error, lookups, refused } = await open(literal, []);
    expect(error).toMatchObject({ code: 'FORBIDDEN' });
    expect([lookups, refused]).toEqual([0, [literal]]);
  },
);

it.each([
  ['one private address', [LOOPBACK]],
  ['a private address after a public one', [PUBLIC, LOOPBACK]],
  ['a private address before a public one', [LOOPBACK, PUBLIC_V6]],
  ['a mapped private address', [PUBLIC, PUBLIC_V6, MAPPED]],
])('refuses a name with %s and tells nobody which', async (_what, addresses) => {
  for (const all of [true, false]) {
    const { error, vetted, refused } = await open('rebind.example', [addresses], all);
    expect(error).toMatchObject({ code: 'FORBIDDEN', message: 'rebind.example may not be fetched' });
    expect(error?.cause).toBeUndefined();
    expect([vetted, refused.length]).toEqual([[], 1]);
  }
});

it('fails for a name without addresses', async () => {
  expect((await open('empty.example', [[]])).error).toMatchObject({ code: 'ENOTFOUND' });
});

it('resolves once per connection, connects to what it judged, and judges the socket too', async () => {
  const flips = [[PUBLIC, PUBLIC_V6], [LOOPBACK]];
  const { error, vetted, lookups, refused } = await open('flip.example', flips);
  expect(lookups).toBe(1);
  expect(vetted).toEqual([PUBLIC.address, PUBLIC_V6.address]);
  // The trap stood for a way around the lookup: the address reached was seen and the socket destroyed.
  expect(error).toMatchObject({ code: 'FORBIDDEN', message: 'flip.example may not be fetched' });
  expect(refused).toEqual(['127.0.0.1']);
  await site.idle();
});

it('lets an allowed host go to a private address', async () => {
  const { error, socket, vetted } = await open('allowed.example', [[LOOPBACK]]);
  expect([error, vetted]).toEqual([null, ['127.0.0.1']]);
  if (socket) {
    socket.destroy();
    await once(socket, 'close');
  }
});
