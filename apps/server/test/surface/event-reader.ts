import { eventually } from '../systems.ts';

export interface ServerEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: unknown;
}

export interface EventReader {
  readonly response: Response;
  readonly events: readonly ServerEvent[];
  /** True once the server ended the stream, or the connection broke. */
  readonly ended: () => boolean;
  /** Waits until so many events came; answers all. */
  until(count: number): Promise<readonly ServerEvent[]>;
  close(): void;
}

function parse(block: string): ServerEvent | undefined {
  const fields = new Map(
    block
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(':'))
      .map((line): [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
      }),
  );
  const data = fields.get('data');
  if (fields.size === 0) return undefined;
  return { id: fields.get('id'), event: fields.get('event'), data: data === undefined ? undefined : JSON.parse(data) };
}

/** Reads server-sent events as they stand on the wire; resolves once the stream is open and its first bytes came. */
export async function readEvents(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
  const abort = new AbortController();
  const response = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal: abort.signal });
  const events: ServerEvent[] = [];
  let ended = false;
  let text = '';
  let started = false;
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      started = true;
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const event of blocks.map(parse)) if (event) events.push(event);
    }
  };
  void read()
    .catch(() => undefined)
    .finally(() => {
      ended = true;
    });
  await eventually(
    () => started || ended,
    (open) => open,
  );
  return {
    response,
    events,
    ended: () => ended,
    until: (count) =>
      eventually(
        () => events,
        ({ length }) => length >= count,
      ),
    close: () => abort.abort(),
  };
}
