import { createClient, type PortolanClient } from '@portolan/api/client';
import { TRPCClientError } from '@trpc/client';
import { normalise } from './normalise.ts';

/** One question, as each transport asks it. */
export interface Question {
  readonly rest: readonly [method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>];
  readonly trpc: (client: PortolanClient) => Promise<unknown>;
}

/** One answer, told alike whatever it travelled over. */
export interface Answer<T = unknown> {
  /** OK or an error code. */
  readonly code: string;
  readonly value: T;
  readonly message: string;
  /** Paths of the issues of a refused input. */
  readonly issues: readonly string[];
  /** The HTTP status over REST; over tRPC the status of the error, 200 for none. */
  readonly status: number;
  /** Over REST only. */
  readonly headers: Headers | undefined;
}

export type TransportName = 'REST' | 'tRPC';
export const TRANSPORTS: readonly TransportName[] = ['REST', 'tRPC'];

/** A client that asks a server and writes down what it answers. */
export interface Talk {
  readonly url: string;
  readonly transport: TransportName;
  readonly client: PortolanClient;
  /** Every answer in order, without what differs from run to run. */
  readonly transcript: unknown[];
  /** Part of every name this talk uses, so that talks on one server do not meet. */
  readonly run: string;
  ask<T = unknown>(question: Question): Promise<Answer<T>>;
  /** Asks without writing the answer down: for polls and for races, whose order differs. */
  poll<T = unknown>(question: Question): Promise<Answer<T>>;
}

/** A query string of the members that are set. */
export function query(members: Readonly<Record<string, unknown>>): string {
  const set = Object.entries(members).filter(([, value]) => value !== undefined && value !== null);
  return new URLSearchParams(set.map(([name, value]): [string, string] => [name, String(value)])).toString();
}

interface Refused {
  readonly code: string;
  readonly message: string;
  readonly issues?: readonly { readonly path: readonly (string | number)[]; readonly message: string }[];
}

const refused = (error: Refused, status: number, headers?: Headers): Answer<never> => ({
  code: error.code,
  value: undefined as never,
  message: error.message,
  issues: (error.issues ?? []).map(({ path }) => path.join('.')),
  status,
  headers,
});

async function askRest(url: string, [method, path, body, headers]: Question['rest']): Promise<Answer<never>> {
  const response = await fetch(url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
  });
  const value = (await response.json()) as never;
  if (!response.ok) return refused(value, response.status, response.headers);
  return { code: 'OK', value, message: '', issues: [], status: response.status, headers: response.headers };
}

async function askTrpc(client: PortolanClient, call: Question['trpc']): Promise<Answer<never>> {
  try {
    const value = (await call(client)) as never;
    return { code: 'OK', value, message: '', issues: [], status: 200, headers: undefined };
  } catch (error) {
    if (!(error instanceof TRPCClientError) || !error.data) throw error;
    return refused(error.data.portolan, error.data.httpStatus);
  }
}

export function createTalk(url: string, transport: TransportName, run: string): Talk {
  const client = createClient({ url });
  const transcript: unknown[] = [];
  const poll = ({ rest, trpc }: Question) => (transport === 'REST' ? askRest(url, rest) : askTrpc(client, trpc));
  return {
    url,
    transport,
    client,
    transcript,
    run,
    poll,
    async ask(question) {
      const answer = await poll(question);
      const { code, value, message, issues, status } = answer;
      transcript.push([
        normalise(decodeURIComponent(question.rest.slice(0, 2).join(' '))),
        normalise({ code, value, message, issues, status }),
      ]);
      return answer;
    },
  };
}
