import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

interface PageRequest {
  readonly url: URL;
  readonly response: ServerResponse;
  /** Aborts when the site closes. */
  readonly signal: AbortSignal;
}

type Page = (request: PageRequest) => void | Promise<void>;

const MAX_DELAY_MS = 60_000;
const LINKS = ['hello', 'redirect', 'redirect-loop', 'gzip', 'slow?ms=500', 'broken', 'error', 'number/1'];

function html(title: string, body: string): string {
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>\n<body><h1>${title}</h1>\n${body}\n</body></html>\n`;
}

function sendHtml(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** Waits for `?ms=`, at most a minute. False when the site closed meanwhile. */
async function waitAsked({ url, signal }: PageRequest): Promise<boolean> {
  const ms = Math.min(Math.max(Number(url.searchParams.get('ms')) || 0, 0), MAX_DELAY_MS);
  if (ms === 0) return true;
  return delay(ms, true, { signal }).catch(() => false);
}

function redirectTo(location: string): Page {
  return ({ response }) => void response.writeHead(302, { location }).end();
}

const PAGES: Readonly<Record<string, Page>> = {
  '/': ({ response }) => {
    const links = LINKS.map((path) => `<li><a href="/pages/${path}">${path}</a></li>`);
    const search = '<li><a href="/search?country=israel">search</a></li>';
    sendHtml(response, 200, html('Portolan demo site', `<ul>\n${links.join('\n')}\n${search}\n</ul>`));
  },
  '/pages/hello': ({ response }) => sendHtml(response, 200, html('Hello', '<p>Hello from the demo site.</p>')),
  '/pages/redirect': redirectTo('/pages/hello'),
  '/pages/redirect-loop': redirectTo('/pages/redirect-loop'),
  '/pages/gzip': ({ response }) => {
    const body = gzipSync(html('Compressed', '<p>This page travelled as gzip.</p>'));
    const headers = { 'content-type': 'text/html; charset=utf-8', 'content-encoding': 'gzip' };
    response.writeHead(200, { ...headers, 'content-length': body.length }).end(body);
  },
  '/pages/slow': async (request) => {
    if (await waitAsked(request)) sendHtml(request.response, 200, html('Slow', '<p>It took a while.</p>'));
  },
  '/pages/broken': ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': 10_000 });
    response.write('<!doctype html><p>This page never e', () => response.destroy());
  },
  '/pages/error': ({ response }) => sendHtml(response, 500, html('Error', '<p>This page always fails.</p>')),
};

const numberedPage =
  (number: string): Page =>
  async (request) => {
    const text = html(`Page ${number}`, `<p>This is page number ${number}.</p>`);
    if (await waitAsked(request)) sendHtml(request.response, 200, text);
  };

/** The page at a path; what is unknown is a 404 page. */
export function findPage(path: string): Page {
  const page = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined;
  if (page) return page;
  const number = /^\/pages\/number\/(\d{1,9})$/.exec(path)?.[1];
  if (number) return numberedPage(number);
  return ({ response }) => sendHtml(response, 404, html('Not found', '<p>There is no such page.</p>'));
}
