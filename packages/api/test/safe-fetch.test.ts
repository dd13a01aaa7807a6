import { networkInterfaces } from 'node:os';
import { startDemoSite } from '@portolan/demo';
import { describe, expect, it } from 'vitest';
import { failing, usePageFetching } from './page-fetching.ts';
import { answer } from './raw-site.ts';

const { site, fetcher, demoFetcher, rawSite, cleanup } = usePageFetching();

describe('a page', () => {
  it('comes with its address, status, type and text', async () => {
    const page = await demoFetcher().fetchPage(`${site().url}/pages/hello#part`);
    expect(page).toEqual({
      url: `${site().url}/pages/hello`,
      status: 200,
      contentType: 'text/html; charset=utf-8',
      body: expect.stringContaining('Hello from the demo site.'),
    });
  });

  it('comes with what revalidates it', async () => {
    const headers = [
      'content-type: text/plain; charset=iso-8859-1',
      'etag: "v1"',
      'last-modified: Mon, 01 Jan 2024 00:00:00 GMT',
    ];
    const raw = await rawSite((socket) => socket.write(answer(headers, Buffer.from([0xe9]))));
    const page = await fetcher([raw.endpoint], { userAgent: 'Tester/1' }).fetchPage(raw.url);
    expect(page).toMatchObject({ body: 'é', etag: '"v1"', lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT' });
    expect(raw.heads[0]).toMatch(/^GET \/ HTTP\/1\.1\r\n/);
    expect(raw.heads[0]).toContain('user-agent: Tester/1');
    expect(raw.heads[0]).not.toMatch(/cookie|authorization/i);
  });

  it('is unpacked', async () => {
    expect((await demoFetcher().fetchPage(`${site().url}/pages/gzip`)).body).toContain('travelled as gzip');
  });

  it.each([404, 500])('may have status %d', async (status) => {
    const path = status === 500 ? '/pages/error' : '/nowhere';
    expect(await demoFetcher().fetchPage(site().url + path)).toMatchObject({
      status,
      body: expect.stringContaining('<h1>'),
    });
  });

  it('may be empty, without a type', async () => {
    const raw = await rawSite((socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    expect(await fetcher([raw.endpoint]).fetchPage(raw.url)).toMatchObject({
      status: 204,
      contentType: '',
      body: '',
    });
  });

  it.each([
    ['image/png', 'PNG'],
    ['application/octet-stream', 'text'],
    ['', 'a\0b'],
  ])('of type "%s" that is not text is refused', async (type, body) => {
    const raw = await rawSite((socket) => socket.write(answer(type ? [`content-type: ${type}`] : [], body)));
    await expect(fetcher([raw.endpoint]).fetchPage(raw.url)).rejects.toThrow(failing('INVALID', /only text/));
  });

  it('that is not text is not read to its end', async () => {
    const raw = await rawSite((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: 1000000000\r\n\r\nstart');
    });
    await expect(fetcher([raw.endpoint]).fetchPage(raw.url)).rejects.toThrow(failing('INVALID', /video\/mp4/));
    await raw.idle();
  });

  it('is fetched 200 at a time over few connections', async () => {
    const pages = demoFetcher();
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    const bodies = await Promise.all(
      numbers.map((number) => pages.fetchPage(`${site().url}/pages/number/${number}?ms=1`)),
    );
    bodies.forEach((page, number) => void expect(page.body).toContain(`page number ${number}.`));
  });
});

describe('redirects', () => {
  it('are followed', async () => {
    const page = await demoFetcher().fetchPage(`${site().url}/pages/redirect`);
    expect(page).toMatchObject({ url: `${site().url}/pages/hello`, status: 200 });
  });

  it('in a circle are refused', async () => {
    const before = site().requests['/pages/redirect-loop'] ?? 0;
    await expect(demoFetcher().fetchPage(`${site().url}/pages/redirect-loop`)).rejects.toThrow(
      failing('UNAVAILABLE', /in a circle/),
    );
    expect(site().requests['/pages/redirect-loop']).toBe(before + 1);
  });

  const countdown = () =>
    rawSite((socket, path) => {
      const left = Number(path.slice(1));
      socket.write(
        left === 0 ? answer(['content-type: text/plain'], 'there') : answer([`location: ${left - 1}`], '', '302 Found'),
      );
    });

  it('are followed five times and no more', async () => {
    const raw = await countdown();
    expect(await fetcher([raw.endpoint]).fetchPage(`${raw.url}/5`)).toMatchObject({
      url: `${raw.url}/0`,
      body: 'there',
    });
    const refused = fetcher([raw.endpoint]).fetchPage(`${raw.url}/6`);
    await expect(refused).rejects.toThrow(failing('UNAVAILABLE', /more than 5 times/));
    await expect(refused).rejects.toMatchObject({ retryable: false });
  });

  it('without a location are an answer', async () => {
    const raw = await rawSite((socket) => socket.write(answer(['content-type: text/plain'], 'where?', '302 Found')));
    expect(await fetcher([raw.endpoint]).fetchPage(raw.url)).toMatchObject({ status: 302, body: 'where?' });
  });

  it.each([
    ['http://169.254.169.254/latest/meta-data/', 'FORBIDDEN'],
    ['http://127.0.0.1/', 'FORBIDDEN'],
    ['http://[::1]/', 'FORBIDDEN'],
    ['http://localhost/', 'FORBIDDEN'],
    ['http://2852039166/', 'FORBIDDEN'],
    ['//10.0.0.1/', 'FORBIDDEN'],
    ['http://inside.example/', 'FORBIDDEN'],
    ['http://127.0.0.1:1/', 'FORBIDDEN'],
    ['https://example.com:22/', 'FORBIDDEN'],
    ['http://user:secret@example.com/', 'INVALID'],
    ['file:///etc/passwd', 'INVALID'],
    ['javascript:alert(1)', 'INVALID'],
    ['http://[', 'INVALID'],
  ])('to %s are refused', async (location, code) => {
    const raw = await rawSite((socket) => socket.write(answer([`location: ${location}`], '', '301 Moved')));
    const lookup = async () => [{ address: '10.0.0.1', family: 4 }];
    const error: unknown = await fetcher([raw.endpoint], { lookup })
      .fetchPage(raw.url)
      .catch((reason) => reason);
    expect(error).toEqual(failing(code, /^127\.0\.0\.1 redirects/));
    expect(String(error)).not.toMatch(/169\.254|2852039166|10\.0\.0\.1|inside|secret/);
  });
});

describe('what may be reached', () => {
  const reachable = async (allow: string[], url: string, addresses = ['127.0.0.1']) => {
    const lookup = async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    return (await fetcher(allow, { lookup }).fetchPage(url)).status;
  };

  it('is exactly the host and port of an entry', async () => {
    const { port } = site();
    const address = `http://127.0.0.1:${port}/pages/hello`;
    const name = `http://localhost:${port}/pages/hello`;
    expect(await reachable([`127.0.0.1:${port}`], address)).toBe(200);
    expect(await reachable([`127.1:${port}`], address)).toBe(200);
    expect(await reachable([`LocalHost:${port}`], name)).toBe(200);
    expect(await reachable([`pages.internal:${port}`], `http://pages.internal:${port}/pages/hello`)).toBe(200);
    await expect(reachable([`127.0.0.1:${port}`], name)).rejects.toThrow(failing('FORBIDDEN'));
    await expect(reachable([`localhost:${port}`], address)).rejects.toThrow(failing('FORBIDDEN'));
    await expect(reachable([`127.0.0.1:${port + 1}`], address)).rejects.toThrow(failing('FORBIDDEN'));
    await expect(reachable([], address)).rejects.toThrow(failing('FORBIDDEN'));
  });

  const hasV6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));
  it.skipIf(!hasV6)('may be an IPv6 address', async () => {
    const raw = await startDemoSite({ host: '::1', universities: [] });
    cleanup(() => raw.close());
    expect(await reachable([`[::1]:${raw.port}`], `${raw.url}/pages/hello`)).toBe(200);
    expect(await reachable([`[0:0:0::1]:${raw.port}`], `${raw.url}/pages/hello`)).toBe(200);
    expect(await reachable([`six.example:${raw.port}`], `http://six.example:${raw.port}/pages/hello`, ['::1'])).toBe(
      200,
    );
    await expect(reachable([`[::2]:${raw.port}`], raw.url)).rejects.toThrow(failing('FORBIDDEN'));
  });

  it.each([
    '',
    'localhost',
    'localhost:',
    ':80',
    'localhost:0',
    'localhost:65536',
    'http://localhost:80',
    '::1:80',
    'a:80:80',
    'a/b:80',
    'u@a:80',
    '[::1]',
    '[zz]:80',
    'a b:80',
  ])('cannot be said as "%s"', (entry) =>
    expect(() => fetcher([entry])).toThrow(failing('INVALID', /is not host:port/)),
  );
});
