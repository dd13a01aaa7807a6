import { invalid } from './errors.ts';
import type { BroadcastPort } from './ports/broadcast.ts';
import type { CachePort } from './ports/cache.ts';
import type { CounterPort } from './ports/counter.ts';
import type { DocumentPort } from './ports/document.ts';
import type { KeyValuePort } from './ports/key-value.ts';
import type { QueuePort } from './ports/queue.ts';
import type { TransferPort } from './ports/transfer.ts';
import { createRuntime, type Runtime } from './runtime.ts';

/** What an adapter promises beyond the ports. The conformance suite checks each promise. */
export interface Capabilities {
  /** The adapter's name: `memory`, `sqlite`, `redis`. */
  readonly name: string;
  /** Can other processes open the same data? */
  readonly shared: boolean;
  /** Does what was acknowledged survive the end of every process? */
  readonly durable: boolean;
}

/** An open store: the six ports over one set of connections. */
export interface Backend {
  readonly keyValue: KeyValuePort;
  readonly cache: CachePort;
  readonly counter: CounterPort;
  readonly document: DocumentPort;
  readonly queue: QueuePort;
  readonly broadcast: BroadcastPort;
  /** What `copyBackend` and `inspectBackend` need. Portolan's adapters all have it; a store without it cannot be moved by them. */
  readonly transfer?: TransferPort;
  readonly capabilities: Capabilities;
  /** Resolves when the store answers; throws UNAVAILABLE within the deadline when it does not. */
  ping(): Promise<void>;
  /** Ends the connections; calls that are under way end with UNAVAILABLE. Repeatable. */
  close(): Promise<void>;
  /** Writes everything the store holds, of all namespaces and as of one moment, to a new file, while it is used. INVALID when there is such a file. */
  backup?(file: string): Promise<void>;
}

export interface OpenOptions {
  /** Prefix of everything stored. */
  readonly namespace: string;
  readonly runtime: Runtime;
  /** No call to the store takes longer than this many ms (waits aside): it ends with UNAVAILABLE or TIMEOUT. */
  readonly deadlineMs: number;
  /** The store is only looked at: opening writes nothing, one that would have to be made is INVALID, and what would write may fail. */
  readonly readOnly?: boolean | undefined;
}

/** A way to reach one kind of store. Third parties write their own and prove it with `@portolan/testkit`. */
export interface Adapter {
  /** URL schemes without the colon, such as `redis`. */
  readonly schemes: readonly string[];
  /**
   * Opens without waiting for the store: one that is away is reported by `ping` and by UNAVAILABLE calls, and used once it is there.
   * Throws INVALID, without the URL's password, for a URL that cannot be meant.
   */
  open(url: string, options: OpenOptions): Promise<Backend>;
  /** One text for all URLs that name the same store; without secrets. Throws INVALID as `open` does. */
  identify?(url: string): string;
  /**
   * Replaces everything at `url` by what `backup` wrote. INVALID when the file is no backup or of a newer program, CONFLICT while any process has
   * the store open. All or nothing.
   */
  restore?(url: string, file: string): Promise<void>;
}

export interface OpenBackendOptions extends Partial<OpenOptions> {
  readonly adapters: readonly Adapter[];
}

const NAMESPACE = /^[A-Za-z0-9_.-]{1,64}$/;

/** Opens `url` with the adapter that knows its scheme. Throws INVALID for an unknown scheme or a bad namespace. */
export async function openBackend(url: string, options: OpenBackendOptions): Promise<Backend> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  const adapter = options.adapters.find((one) => scheme !== undefined && one.schemes.includes(scheme));
  if (!adapter) {
    const known = options.adapters.flatMap((one) => one.schemes).map((one) => `${one}:`);
    throw invalid(`backend URL: ${scheme ? `unknown scheme ${scheme}:` : 'no scheme'}; known are ${known.join(', ')}`);
  }
  const namespace = options.namespace ?? 'portolan';
  if (!NAMESPACE.test(namespace)) {
    throw invalid(`namespace ${JSON.stringify(namespace)}: 1 to 64 letters, digits, dots, dashes or underscores`);
  }
  return adapter.open(url, {
    namespace,
    runtime: options.runtime ?? createRuntime(),
    deadlineMs: options.deadlineMs ?? 2_000,
    readOnly: options.readOnly,
  });
}
