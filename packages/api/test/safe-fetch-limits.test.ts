import { gzipSync } from 'node:zlib';
import { PortolanError } from '@portolan/core';
import { describe, expect, it } from 'vitest';
import { failing, usePageFetching } from './page-fetching.ts';
import { answer } from './raw-site.ts';

const { site, fetcher, demoFetcher, rawSite } = usePageFetching();

describe('time', () => {
  const patient = 15_000;

  it.each([
    ['sends nothing', () => undefined],
    ['sends half a head', 'HTTP/1.1 200 OK\r\ncontent-ty'],
    ['sends half a body', 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\nhello'],
  ])('is over for a site that %s', async (_what, bytes) => {
    const raw = await rawSite((socket) => void (typeof bytes === 'string' && socket.write(bytes)));
    const refused = fetcher([raw.endpoint], { timeoutMs: 150 }).fetchPage(raw.url);
    await expect(refused).rejects.toThrow(failing('TIMEOUT', /127\.0\.0\.1 did not answer within 150 ms/));
    await raw.idle();
  });

  it('is over for a body that drips for ever', async () => {
    const raw = await rawSite((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n');
      const drip = setInterval(() => socket.write('1\r\nx\r\n'), 5);
      socket.on('close', () => clearInterval(drip));
    });
    await expect(fetcher([raw.endpoint], { timeoutMs: 200 }).fetchPage(raw.url)).rejects.toThrow(failing('TIMEOUT'));
    await raw.idle();
  });

  it('counts over all redirects', async () => {
    const raw = await rawSite((socket, path) => {
      setTimeout(() => socket.write(answer([`location: ${path}x`], '', '302 Found')), 60);
    });
    const refused = fetcher([raw.endpoint], { timeoutMs: 200, maxRedirects: 1_000 }).fetchPage(`${raw.url}/x`);
    await expect(refused).rejects.toThrow(failing('TIMEOUT'));
  });

  it('is over for a name that never resolves', async () => {
    const lookup = () => new Promise<never>(() => undefined);
    const refused = fetcher([], { lookup, timeoutMs: 100 }).fetchPage('http://slow.example/');
    await expect(refused).rejects.toThrow(failing('TIMEOUT'));
  });

  it('ends when the caller gives up', async () => {
    const before = site().requests['/pages/slow'] ?? 0;
    const caller = new AbortController();
    const fetched = demoFetcher({ timeoutMs: patient }).fetchPage(`${site().url}/pages/slow?ms=60000`, caller);
    const cancelled = expect(fetched).rejects.toThrow(failing('CANCELLED'));
    while (site().requests['/pages/slow'] !== before + 1) await new Promise(setImmediate);
    caller.abort();
    await cancelled;
  });

  it("ends with the caller's own reason, and before anything was sent", async () => {
    const before = site().requests['/pages/hello'] ?? 0;
    const reason = new PortolanError('TIMEOUT', 'the job took too long');
    const fetched = demoFetcher().fetchPage(`${site().url}/pages/hello`, { signal: AbortSignal.abort(reason) });
    await expect(fetched).rejects.toBe(reason);
    expect(site().requests['/pages/hello'] ?? 0).toBe(before);
  });
});

describe('size', () => {
  const text = ['content-type: text/plain'];
  const maxBytes = 100_000;

  it('may be exactly the limit', async () => {
    const raw = await rawSite((socket, path) => socket.write(answer(text, 'x'.repeat(Number(path.slice(1))))));
    const pages = fetcher([raw.endpoint], { maxBytes });
    expect((await pages.fetchPage(`${raw.url}/${maxBytes}`)).body).toHaveLength(maxBytes);
    await expect(pages.fetchPage(`${raw.url}/${maxBytes + 1}`)).rejects.toThrow(failing('TOO_LARGE'));
  });

  it('is counted after unpacking', async () => {
    const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(maxBytes);
    const raw = await rawSite((socket) => socket.write(answer([...text, 'content-encoding: gzip'], bomb)));
    await expect(fetcher([raw.endpoint], { maxBytes }).fetchPage(raw.url)).rejects.toThrow(failing('TOO_LARGE'));
    await raw.idle();
  });

  it.each([
    ['chunks', 'x-none: 1', Buffer.alloc(8_192, 'x')],
    ['empty gzip members', 'content-encoding: gzip', Buffer.concat(Array.from({ length: 400 }, () => gzipSync('')))],
  ])('is over for endless %s', async (_what, header, chunk) => {
    const raw = await rawSite((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n${header}\r\ntransfer-encoding: chunked\r\n\r\n`);
      const pump = () => {
        while (
          !socket.destroyed &&
          socket.write(Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]))
        );
      };
      socket.on('drain', pump);
      pump();
    });
    await expect(fetcher([raw.endpoint], { maxBytes }).fetchPage(raw.url)).rejects.toThrow(failing('TOO_LARGE'));
    await raw.idle();
  });

  it('of the headers is bounded', async () => {
    const raw = await rawSite((socket) => socket.write(answer([...text, `x-long: ${'x'.repeat(100_000)}`], 'hello')));
    await expect(fetcher([raw.endpoint]).fetchPage(raw.url)).rejects.toThrow(failing('TOO_LARGE', /headers/));
  });
});

describe('a broken site', () => {
  const zipped = gzipSync('hello '.repeat(1_000));
  const packed = ['content-type: text/plain', 'content-encoding: gzip'];
  const whole = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n';

  it.each<[string, string | Buffer]>([
    ['closes without a word', ''],
    ['is not HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['has a garbage status line', 'HTTP/1.1 abc nothing\r\n\r\n'],
    ['has a garbage header', 'HTTP/1.1 200 OK\r\nno colon here\r\n\r\n'],
    ['sends less than it said', `${whole}content-length: 100\r\n\r\nhello`],
    ['has two lengths', `${whole}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`],
    ['has a garbage chunk', `${whole}transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n`],
    ['cuts its chunks', `${whole}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`],
    ['cuts its gzip', answer(packed, zipped.subarray(0, zipped.length - 12))],
    ['sends gzip that is none', answer(packed, 'this is not gzip')],
    [
      'damages its gzip',
      answer(packed, Buffer.concat([zipped.subarray(0, 20), Buffer.alloc(20, 0xff), zipped.subarray(40)])),
    ],
    ['uses an unknown encoding', answer(['content-type: text/plain', 'content-encoding: klingon'], 'hello')],
    ['packs twice', answer(['content-type: text/plain', 'content-encoding: gzip, gzip'], gzipSync(zipped))],
    ['switches protocols', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
  ])('that %s is unavailable', async (_what, bytes) => {
    const raw = await rawSite((socket) => socket.end(bytes));
    await expect(fetcher([raw.endpoint], { timeoutMs: 5_000 }).fetchPage(raw.url)).rejects.toThrow(
      failing('UNAVAILABLE', /^127\.0\.0\.1 /),
    );
  });

  it('that resets is unavailable, in the body too', async () => {
    const raw = await rawSite((socket) => socket.resetAndDestroy());
    await expect(fetcher([raw.endpoint]).fetchPage(raw.url)).rejects.toThrow(failing('UNAVAILABLE'));
    await expect(demoFetcher().fetchPage(`${site().url}/pages/broken`)).rejects.toThrow(failing('UNAVAILABLE'));
  });

  it('tells a closed port, a missing name and a silent protocol apart in the cause only', async () => {
    const raw = await rawSite(() => undefined);
    await raw.close();
    const closed: unknown = await fetcher([raw.endpoint])
      .fetchPage(raw.url)
      .catch((error) => error);
    const lookup = async () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }));
    const missing: unknown = await fetcher([], { lookup })
      .fetchPage('http://missing.example/')
      .catch((error) => error);
    expect(closed).toMatchObject({ code: 'UNAVAILABLE', message: '127.0.0.1 gave no usable answer', retryable: true });
    expect(missing).toMatchObject({ code: 'UNAVAILABLE', message: 'missing.example gave no usable answer' });
    expect(closed).toHaveProperty('cause.code', 'ECONNREFUSED');
  });

  it('does not spoil the next fetch', async () => {
    const pages = demoFetcher();
    await expect(pages.fetchPage(`${site().url}/pages/broken`)).rejects.toThrow();
    expect((await pages.fetchPage(`${site().url}/pages/hello`)).status).toBe(200);
  });
});

it('ends running fetches on close and takes no more', async () => {
  const before = site().requests['/pages/slow'] ?? 0;
  const pages = demoFetcher();
  const running = expect(pages.fetchPage(`${site().url}/pages/slow?ms=60000`)).rejects.toThrow(failing('UNAVAILABLE'));
  while (site().requests['/pages/slow'] !== before + 1) await new Promise(setImmediate);
  await pages.close();
  await running;
  await expect(pages.fetchPage(`${site().url}/pages/hello`)).rejects.toThrow(failing('UNAVAILABLE'));
});
