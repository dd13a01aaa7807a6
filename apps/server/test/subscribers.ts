import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { PortolanClient } from '@portolan/api/client';

export interface Message {
  readonly id: string;
  readonly data: unknown;
  readonly gap: boolean;
}

/** One that listens to a topic and never asks for the connection to be made anew by the test. */
export interface Heard {
  readonly messages: readonly Message[];
  /** Errors and ends that it was told of. */
  readonly failures: readonly unknown[];
  stop(): void;
}

/** Server-sent events over one response; resolves once the server has sent its first bytes. */
export async function hearEvents(url: string, topic: string): Promise<Heard> {
  const messages: Message[] = [];
  const failures: unknown[] = [];
  const stopping = new AbortController();
  const response = await fetch(`${url}/api/topics/${topic}/stream`, { signal: stopping.signal });
  if (!response.ok || !response.body) throw new Error(`no stream: ${response.status}`);
  const lines = createInterface({ input: Readable.fromWeb(response.body) });
  const connected = Promise.withResolvers<void>();
  void (async () => {
    try {
      for await (const line of lines) {
        connected.resolve();
        if (line.startsWith('event: error')) failures.push(line);
        else if (line.startsWith('data: ')) messages.push(JSON.parse(line.slice(6)) as Message);
      }
      throw new Error('the stream ended');
    } catch (error) {
      if (!stopping.signal.aborted) failures.push(error);
    }
  })();
  await connected.promise;
  return { messages, failures, stop: () => stopping.abort() };
}

/** A subscription of the typed client; resolves once the server has confirmed it. */
export async function hearSubscription(client: PortolanClient, topic: string): Promise<Heard> {
  const messages: Message[] = [];
  const failures: unknown[] = [];
  const started = Promise.withResolvers<void>();
  const subscription = client.topics.stream.subscribe(
    { topic },
    {
      onStarted: () => started.resolve(),
      onData: ({ data }) => messages.push(data as Message),
      onError: (error) => failures.push(error),
      onComplete: () => failures.push(new Error('the subscription ended')),
    },
  );
  await started.promise;
  return { messages, failures, stop: () => subscription.unsubscribe() };
}
