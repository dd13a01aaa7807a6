/**
 * A tRPC ping over HTTP: Portolan's server with everything on beside bare hosts of tRPC, one process each, fifty connections. The load comes from the same machine, so
 * the absolute figures are low. Run: `npx -y pnpm@12 bench http [--quick] [--rounds N] [--only TEXT]`.
 */
import { type Contender, LATENCY, PER_SECOND } from './harness/contest.ts';
import { runSuite } from './harness/suite.ts';

const host = (name: string, which: string): Contender => ({ name, module: 'http/load', arguments: [which] });
const reference = (name: string, which: string): Contender => ({ ...host(name, which), reference: true });
const portolan = (store: string): Contender => ({
  ...host(`Portolan’s server (${store})`, 'portolan'),
  parameters: { store: store.toLowerCase() },
  own: true,
  aim: 2,
});

await runSuite(({ of }) => [
  {
    title: 'HTTP: tRPC ping, 50 connections',
    work: 'ping',
    parameters: { connections: 50, seconds: of(5, 2) },
    contenders: [
      host('tRPC’s standalone adapter', 'standalone'),
      reference('tRPC’s fetch adapter under @hono/node-server', 'fetch-hono-node-server'),
      reference('the same inside a Hono app', 'hono-app'),
      reference('node:http without tRPC', 'node-http'),
      portolan('SQLite'),
      portolan('Redis'),
    ],
    base: 'tRPC’s standalone adapter',
    measures: [PER_SECOND, { key: 'clientUs', label: 'µs CPU server', better: 'less' }, ...LATENCY],
    note: 'The bare hosts answer a constant. Portolan checks a token and its scope, asks its store, checks its answer, counts the call, and limits bodies.',
  },
]);
