import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type DemoSite, startDemoSite } from '../src/index.ts';
import { loadUniversities, type University } from '../src/universities.ts';

const university = (name: string, country: string): University => ({
  name,
  country,
  alpha_two_code: 'XX',
  'state-province': null,
  domains: ['example.edu'],
  web_pages: ['http://example.edu/'],
});
const UNIVERSITIES = [
  university('Tel Aviv University', 'Israel'),
  university('University of Haifa', 'Israel'),
  university('University of Oxford', 'United Kingdom'),
];

let site: DemoSite;
beforeEach(async () => {
  site = await startDemoSite({ universities: UNIVERSITIES });
});
afterEach(() => site.close());

const get = (path: string, init?: RequestInit) => fetch(site.url + path, init);
async function search(query: string): Promise<string[]> {
  const answer = (await (await get(`/search${query}`)).json()) as University[];
  return answer.map((entry) => entry.name);
}

it('serves an index whose links all lead somewhere', async () => {
  const index = await (await get('/')).text();
  const paths = [...index.matchAll(/href="([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(paths).toContain('/pages/hello');
  for (const path of paths.filter((one) => !/broken|loop/.test(one))) {
    expect((await get(path)).status, path).toBe(path === '/pages/error' ? 500 : 200);
  }
});

it('redirects once, and for ever', async () => {
  const once = await get('/pages/redirect');
  expect([once.status, once.url]).toEqual([200, `${site.url}/pages/hello`]);
  const loop = await get('/pages/redirect-loop', { redirect: 'manual' });
  expect([loop.status, loop.headers.get('location')]).toEqual([302, '/pages/redirect-loop']);
});

it('sends one page as gzip and cuts another', async () => {
  const compressed = await get('/pages/gzip');
  expect(compressed.headers.get('content-encoding')).toBe('gzip');
  expect(await compressed.text()).toContain('travelled as gzip');
  const broken = await get('/pages/broken');
  await expect(broken.text()).rejects.toThrow();
});

it('waits on a slow page for as long as asked, and lets close() cut it', async () => {
  expect(await (await get('/pages/slow?ms=20')).text()).toContain('Slow');
  const pending = get('/pages/slow?ms=60000');
  const refused = expect(pending).rejects.toThrow();
  while (site.requests['/pages/slow'] !== 2) await new Promise(setImmediate);
  await site.close();
  await refused;
  site = await startDemoSite({ universities: UNIVERSITIES });
});

it('has as many distinct pages as wanted', async () => {
  expect(await (await get('/pages/number/7?ms=5')).text()).toContain('page number 7');
  expect(await (await get('/pages/number/1000')).text()).toContain('page number 1000');
  expect((await get('/pages/number/x')).status).toBe(404);
  expect((await get('/toString')).status).toBe(404);
});

it('finds universities by a part of country and name, case ignored', async () => {
  expect(await search('?country=israel')).toEqual(['Tel Aviv University', 'University of Haifa']);
  expect(await search('?name=HAIFA&country=Isra')).toEqual(['University of Haifa']);
  expect(await search('?country=Isra&name=HAIFA')).toEqual(['University of Haifa']);
  expect(await search('?name=oxford')).toEqual(['University of Oxford']);
  expect(await search('?country=Atlantis')).toEqual([]);
  expect(await search('')).toHaveLength(3);
  const [first] = (await (await get('/search?name=tel')).json()) as University[];
  expect(first).toEqual(UNIVERSITIES[0]);
});

it('counts requests by path and shows the counts', async () => {
  await get('/search?country=israel');
  await get('/search?country=france');
  await get('/pages/hello');
  expect(site.requests).toEqual({ '/search': 2, '/pages/hello': 1 });
  expect(await (await get('/requests')).json()).toEqual({ '/search': 2, '/pages/hello': 1 });
});

it('refuses other methods', async () => {
  expect((await get('/pages/hello', { method: 'POST' })).status).toBe(405);
});

it.each([
  ['without being given one', undefined],
  ['built in', fileURLToPath(new URL('../src/universities.json', import.meta.url))],
])('has a list %s', (_what, file) => {
  const names = loadUniversities({ UNIVERSITIES_FILE: file }).map((entry) => entry.name);
  expect(names.length).toBeGreaterThanOrEqual(60);
  expect(names).toContain('Tel Aviv University');
});

it('takes the list that UNIVERSITIES_FILE names and refuses what is none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'demo-'));
  const file = join(folder, 'list.json');
  await writeFile(file, JSON.stringify(UNIVERSITIES));
  expect(loadUniversities({ UNIVERSITIES_FILE: file })).toEqual(UNIVERSITIES);
  await writeFile(file, '[{"name":1}]');
  expect(() => loadUniversities({ UNIVERSITIES_FILE: file })).toThrow('is not a list of universities');
  await rm(folder, { recursive: true });
});

it('runs as a process and ends on SIGTERM', async () => {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const url = line.replace('demo site on ', '');
  expect((await fetch(`${url}/pages/hello`)).status).toBe(200);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
