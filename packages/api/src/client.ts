import { createTRPCClient, httpBatchStreamLink, httpSubscriptionLink, splitLink, type TRPCClient } from '@trpc/client';
import { EventSource } from 'eventsource';
import type { AppRouter } from './router.ts';

export interface ClientOptions {
  /** Where the server is: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** A secret of `API_TOKENS`, where the server has any. Sent as a header, never in a URL. */
  readonly token?: string;
}

export type PortolanClient = TRPCClient<AppRouter>;

/** At most this many calls travel in one request; the server refuses more than twice as many. */
const MAX_BATCH = 100;

/**
 * The typed client: calls of one tick travel in one request, each answer comes as soon as it is ready; subscriptions are
 * server-sent events that resume behind the last message they saw.
 */
export function createClient({ url, token }: ClientOptions): PortolanClient {
  const endpoint = new URL('/trpc', url).href;
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: (operation) => operation.type === 'subscription',
        true: httpSubscriptionLink({
          url: endpoint,
          EventSource,
          eventSourceOptions: () => ({
            fetch: (input, init) => fetch(input, { ...init, headers: { ...init?.headers, ...headers } }),
          }),
        }),
        false: httpBatchStreamLink({ url: endpoint, headers, maxItems: MAX_BATCH, methodOverride: 'POST' }),
      }),
    ],
  });
}
