import { invalid, PortolanError } from '@portolan/core';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { withDeadline } from '../outgoing/deadline.ts';
import { networkError } from '../outgoing/network-error.ts';
import { ACCEPT_ENCODING, readBody } from '../outgoing/read-body.ts';

/** One entry of the answer; fields not named here are kept. */
const university = z.looseObject({
  name: z.string(),
  domains: z.array(z.string()).optional(),
  web_pages: z.array(z.string()).optional(),
  country: z.string(),
  alpha_two_code: z.string().nullish(),
  'state-province': z.string().nullish(),
});
const universities = z.array(university);

export type University = z.output<typeof university>;

export interface UniversitiesUpstreamOptions {
  /** Where the search stands; parameters it already has are sent along. The operator's own choice, so it may be private. */
  readonly url: string;
  readonly timeoutMs?: number;
  /** Longest answer, counted after decompression. */
  readonly maxBytes?: number;
}

export interface UniversitiesUpstream {
  /**
   * One call of the upstream, never retried here. Throws UNAVAILABLE (no connection, a broken answer, status 5xx or 429), TIMEOUT,
   * CANCELLED, TOO_LARGE, and INTERNAL for any other status than 200 and for an answer that is not a list of universities.
   */
  search(
    query: { country?: string | undefined; name?: string | undefined },
    signal?: AbortSignal,
  ): Promise<University[]>;
  /** Ends the connections; a call still running fails with UNAVAILABLE. */
  close(): Promise<void>;
}

const WHAT = 'the universities upstream';

function parseUpstreamUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw invalid('the URL of the universities upstream is not one like http://universities.hipolabs.com/search');
}

function checkStatus(status: number): void {
  if (status === 200) return;
  const code = status >= 500 || status === 429 ? 'UNAVAILABLE' : 'INTERNAL';
  throw new PortolanError(code, `${WHAT} answered with status ${status}`);
}

function parseAnswer(bytes: Buffer): University[] {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch (cause) {
    throw new PortolanError('INTERNAL', `${WHAT} did not answer with JSON`, { cause });
  }
  const result = universities.safeParse(value);
  if (result.success) return result.data;
  throw new PortolanError('INTERNAL', `${WHAT} did not answer with a list of universities`, { cause: result.error });
}

/** The search of universities.hipolabs.com, or one that answers like it. */
export function createUniversitiesUpstream(options: UniversitiesUpstreamOptions): UniversitiesUpstream {
  const { timeoutMs = 10_000, maxBytes = 8 * 1024 * 1024 } = options;
  const base = parseUpstreamUrl(options.url);
  const agent = new Agent({ connect: { timeout: timeoutMs }, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  const headers = { accept: 'application/json', 'accept-encoding': ACCEPT_ENCODING, 'user-agent': 'Portolan' };

  async function ask(url: URL, signal: AbortSignal): Promise<University[]> {
    const { statusCode, headers: answered, body } = await request(url, { dispatcher: agent, headers, signal });
    const encoding = answered['content-encoding'];
    const bytes = await readBody(body, { encoding: encoding?.toString(), maxBytes, signal, what: WHAT });
    checkStatus(statusCode);
    return parseAnswer(bytes);
  }

  return {
    async search({ country, name }, signal) {
      const url = new URL(base);
      if (country !== undefined) url.searchParams.set('country', country);
      if (name !== undefined) url.searchParams.set('name', name);
      try {
        return await withDeadline({ timeoutMs, signal, what: WHAT }, (deadline) => ask(url, deadline));
      } catch (error) {
        throw networkError(error, WHAT);
      }
    },
    close: () => agent.destroy(),
  };
}
