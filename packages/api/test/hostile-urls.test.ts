import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPageFetcher, type PageFetcher } from '../src/pages/safe-fetch.ts';
import { answer, type RawSite, startRawSite } from './raw-site.ts';

/** Names that a hostile zone points inside; every other name answers like the metadata service. */
const ZONE: Readonly<Record<string, string[]>> = {
  'loopback.example': ['127.0.0.1'],
  'private.example': ['192.168.1.1'],
  'mixed.example': ['93.184.215.14', '10.0.0.1'],
  'v6.example': ['::1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'nat64.example': ['64:ff9b::a9fe:a9fe'],
  'unspecified.example': ['0.0.0.0'],
};

const FORBIDDEN = `
  http://127.0.0.1/ http://127.1/ http://127.0.1/ http://2130706433/ http://0x7f000001/ http://0x7f.1/ http://0177.0.0.1/
  http://017700000001/ http://127.0.0.1./ http://①②⑦.0.0.1/ http://127。0。0。1/ http://%31%32%37.0.0.1/ http:\\\\127.0.0.1\\
  http:127.0.0.1 http:///127.0.0.1/ http://127.0.0.1:80/ https://127.0.0.1/ http://127.255.255.254/ http://0/ http://0.0.0.0/
  http://169.254.169.254/latest/meta-data/ http://2852039166/ http://0xa9fea9fe/ http://169.254.170.2/ http://100.100.100.200/
  http://192.0.0.192/ http://168.63.129.16/ http://10.0.0.1/ http://172.16.0.1/ http://192.168.0.1/ http://100.64.0.1/
  http://198.18.0.1/ http://224.0.0.1/ http://255.255.255.255/
  http://[::1]/ http://[::]/ http://[0:0:0:0:0:0:0:1]/ http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ http://[::127.0.0.1]/
  http://[::ffff:169.254.169.254]/ http://[64:ff9b::7f00:1]/ http://[2002:7f00:1::]/ http://[2001:0:7f00:1::]/ http://[fd00:ec2::254]/
  http://[fe80::1]/ http://[fc00::1]/ http://[ff02::1]/ http://[2001:db8::1]/
  http://localhost/ http://LOCALHOST/ http://localhost./ http://a.localhost/ http://printer/ http://printer.local/
  http://metadata.google.internal/ http://router.home.arpa/ http://redis/
  http://example.com:22/ http://example.com:6379/ http://example.com:8080/ https://example.com:444/ http://8.8.8.8:53/
  http://loopback.example/ https://private.example/ http://mixed.example/ http://v6.example/ http://mapped.example/
  http://nat64.example/ http://unspecified.example/ http://127.0.0.1.nip.example/
`
  .trim()
  .split(/\s+/);

const INVALID = `
  http://user@127.0.0.1/ http://example.com@127.0.0.1/ http://127.0.0.1@example.com/ http://[::ffff:127.0.0.1%25eth0]/
  http://[fe80::1%25eth0]/ http://0x7f.0.0.256/ http://127.0.0.1.256/ http://127.0.0.1%00.example.com/ http://127.0.0.1:99999/
  file:///etc/passwd ftp://127.0.0.1/ gopher://127.0.0.1:6379/_INFO dict://127.0.0.1:11211/stat unix:///var/run/docker.sock
  data:text/plain,x javascript:1 about:blank //127.0.0.1/ 127.0.0.1
`
  .trim()
  .split(/\s+/);

let trap: RawSite;
let fetcher: PageFetcher;
let connected: string[] = [];
const warned: object[] = [];
const resolved: string[] = [];

/** Every socket that this process starts to open says so here. */
function onSocket(message: unknown): void {
  const { socket } = message as {
    socket: { on(event: 'connect', listener: () => void): void; remoteAddress?: string };
  };
  socket.on('connect', () => connected.push(String(socket.remoteAddress)));
}

beforeAll(async () => {
  trap = await startRawSite((socket) => socket.write(answer(['content-type: text/plain'], 'trapped')));
  subscribe('net.client.socket', onSocket);
  const nothing = () => undefined;
  fetcher = createPageFetcher({
    allow: [trap.endpoint],
    timeoutMs: 3_000,
    logger: { debug: nothing, info: nothing, warn: (fields) => warned.push(fields), error: nothing },
    lookup: async (hostname) => {
      resolved.push(hostname);
      const addresses = ZONE[hostname] ?? ['169.254.169.254'];
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
  });
});
afterAll(async () => {
  unsubscribe('net.client.socket', onSocket);
  await fetcher.close();
  await trap.close();
});

it('sees a connection where one is made', async () => {
  connected = [];
  expect(await fetcher.fetchPage(trap.url)).toMatchObject({ body: 'trapped' });
  expect(connected).toEqual(['127.0.0.1']);
});

it.each(FORBIDDEN)('forbids %s and connects to nothing', async (url) => {
  connected = [];
  const { hostname } = new URL(url);
  const error: unknown = await fetcher.fetchPage(url).catch((reason) => reason);
  expect(error).toMatchObject({ code: 'FORBIDDEN', message: `${hostname} may not be fetched`, retryable: false });
  expect(error).not.toHaveProperty('cause');
  expect(warned.at(-1)).toMatchObject({ hostname });
  expect(connected).toEqual([]);
});

it.each(INVALID)('calls %s invalid and connects to nothing', async (url) => {
  connected = [];
  await expect(fetcher.fetchPage(url)).rejects.toMatchObject({ code: 'INVALID' });
  expect(connected).toEqual([]);
});

it('asks no name server about local names and refused ports', () => {
  expect(resolved.filter((name) => !name.endsWith('.example'))).toEqual([]);
  expect(resolved).toContain('loopback.example');
});
