import { lookup as dnsLookup } from 'node:dns/promises';
import { invalid, type Logger, PortolanError } from '@portolan/core';
import { Agent, type Dispatcher, request } from 'undici';
import { withDeadline } from '../outgoing/deadline.ts';
import { networkError } from '../outgoing/network-error.ts';
import { ACCEPT_ENCODING, readBody } from '../outgoing/read-body.ts';
import { createHostPolicy, type HostPolicy, type Target } from './host-policy.ts';
import { decodeText, isTextType, looksBinary } from './page-text.ts';
import { parsePageUrl } from './page-url.ts';
import { createSafeConnector, type Lookup, refusal } from './safe-connector.ts';

export { canonicalUrl } from './page-url.ts';

export interface PageFetcherOptions {
  /** `host:port` entries that may be reached although private or on another port. */
  readonly allow: readonly string[];
  /** For one fetch as a whole: names, redirects and body. */
  readonly timeoutMs?: number;
  /** Longest body, counted after decompression. */
  readonly maxBytes?: number;
  readonly maxRedirects?: number;
  readonly userAgent?: string;
  readonly logger: Logger;
  /** Resolves names; for tests. */
  readonly lookup?: Lookup;
}

interface FetchedPage {
  /** After redirects, without a fragment. */
  readonly url: string;
  readonly status: number;
  /** As the site sent it; empty when it sent none. */
  readonly contentType: string;
  readonly body: string;
  readonly etag?: string;
  readonly lastModified?: string;
}

export interface PageFetcher {
  /** Throws what `fetchPage` would throw before it connects: INVALID for a bad URL, FORBIDDEN for a host that is refused by its name or address. */
  check(url: string): void;
  /**
   * GETs one page. An answer of any status is an answer. Throws INVALID (URL, scheme, credentials, not text), FORBIDDEN (a host that
   * may not be fetched), TIMEOUT, CANCELLED, TOO_LARGE and UNAVAILABLE (no connection, a broken answer, redirects without an end).
   */
  fetchPage(url: string, options?: { readonly signal?: AbortSignal }): Promise<FetchedPage>;
  /** Ends the connections; a fetch still running fails with UNAVAILABLE. */
  close(): Promise<void>;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const CONNECTIONS_PER_HOST = 16;
const IDLE_CONNECTION_MS = 1_000;

type Answer = Dispatcher.ResponseData;

function header({ headers }: Answer, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

function discard({ body }: Answer): void {
  body.on('error', () => undefined).destroy();
}

function endless(how: string, { hostname }: URL): PortolanError {
  return new PortolanError('UNAVAILABLE', `${hostname} ${how}`, { retryable: false });
}

/** The caller learns that the host asked for redirects, not where to: the redirect may come from inside an allowed network. */
function afterRedirect(error: unknown, { hostname }: URL): unknown {
  if (PortolanError.is(error, 'FORBIDDEN')) {
    return new PortolanError('FORBIDDEN', `${hostname} redirects to a host that may not be fetched`);
  }
  return PortolanError.is(error, 'INVALID') ? invalid(`${hostname} redirects, and ${error.message}`) : error;
}

/** A fetcher for URLs that users give: it reaches public addresses only, on a connection pool of its own and never through a proxy. */
export function createPageFetcher(options: PageFetcherOptions): PageFetcher {
  const { timeoutMs = 15_000, maxBytes = 2 * 1024 * 1024, maxRedirects = 5, logger } = options;
  const policy: HostPolicy = createHostPolicy(options.allow);
  const refused = ({ hostname, port }: Target, address?: string) =>
    logger.warn({ hostname, port, address }, 'page fetch refused');
  const headers = {
    accept: 'text/html, application/xhtml+xml, application/json, application/xml;q=0.9, text/*;q=0.9, */*;q=0.1',
    'accept-encoding': ACCEPT_ENCODING,
    'user-agent': options.userAgent ?? 'Portolan',
  };
  const agent = new Agent({
    connect: createSafeConnector({
      policy,
      lookup: options.lookup ?? ((hostname) => dnsLookup(hostname, { all: true })),
      timeoutMs,
      onRefused: refused,
    }),
    connections: CONNECTIONS_PER_HOST,
    keepAliveTimeout: IDLE_CONNECTION_MS,
    keepAliveMaxTimeout: IDLE_CONNECTION_MS,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });

  /** What can be told before a name is resolved. */
  function permit(url: URL): void {
    if (policy.permits(url)) return;
    refused(url);
    throw refusal(url);
  }

  async function ask(url: URL, signal: AbortSignal): Promise<Answer> {
    permit(url);
    return request(url, { dispatcher: agent, headers, signal });
  }

  async function read(url: URL, answer: Answer, signal: AbortSignal): Promise<FetchedPage> {
    const contentType = header(answer, 'content-type') ?? '';
    if (!isTextType(contentType)) {
      discard(answer);
      throw invalid(`${url.hostname} sent ${contentType.slice(0, 100)}; only text is fetched`);
    }
    const encoding = header(answer, 'content-encoding');
    const bytes = await readBody(answer.body, { encoding, maxBytes, signal, what: url.hostname });
    if (contentType === '' && looksBinary(bytes)) throw invalid(`${url.hostname} sent no text; only text is fetched`);
    const etag = header(answer, 'etag');
    const lastModified = header(answer, 'last-modified');
    return {
      url: url.href,
      status: answer.statusCode,
      contentType,
      body: decodeText(bytes, contentType),
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { lastModified }),
    };
  }

  /** Redirects by hand, so that each hop passes the same checks as the first. */
  async function follow(start: URL, signal: AbortSignal): Promise<FetchedPage> {
    const seen = new Set<string>();
    let url = start;
    let redirected = false;
    try {
      for (;;) {
        seen.add(url.href);
        const answer = await ask(url, signal);
        const location = REDIRECTS.has(answer.statusCode) ? header(answer, 'location') : undefined;
        if (location === undefined) return await read(url, answer, signal);
        discard(answer);
        redirected = true;
        url = parsePageUrl(location, url);
        if (seen.has(url.href)) throw endless('redirects in a circle', start);
        if (seen.size > maxRedirects) throw endless(`redirects more than ${maxRedirects} times`, start);
      }
    } catch (error) {
      throw redirected ? afterRedirect(error, start) : error;
    }
  }

  return {
    check: (text) => permit(parsePageUrl(text)),
    async fetchPage(text, { signal } = {}) {
      const url = parsePageUrl(text);
      try {
        return await withDeadline({ timeoutMs, signal, what: url.hostname }, (deadline) => follow(url, deadline));
      } catch (error) {
        throw networkError(error, url.hostname);
      }
    },
    close: () => agent.destroy(),
  };
}
