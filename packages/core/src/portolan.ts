import type { Backend } from './backend.ts';
import { createTopics, type Topics } from './broadcast.ts';
import { type Cache, type CacheSettings, createCache } from './cache.ts';
import { type CommandBus, type CommandBusOptions, createCommandBus } from './commands.ts';
import { type Counter, createCounter } from './counter.ts';
import { type Collection, openCollection } from './document.ts';
import type { CollectionDefinition } from './document-definition.ts';
import { encryptedQueue } from './encrypted-queue.ts';
import { createInlineQueue, type InlineQueue, type InlineQueueOptions } from './inline-queue.ts';
import type { PayloadKey } from './job-cipher.ts';
import type { JobEventLevel } from './job-event.ts';
import { createJobEvents } from './job-events.ts';
import { createKeyValue, type KeyValue } from './key-value.ts';
import { createLimiter, type Limiter } from './limiter.ts';
import type { LimitPolicy } from './ports/counter.ts';
import { createQueue } from './queue.ts';
import type { Queue } from './queue-contract.ts';
import { createRuntime, type Runtime } from './runtime.ts';
import type { OutputOf, Schema } from './schema.ts';
import { createWorker, type Worker } from './worker/worker.ts';
import type { WorkerOptions } from './worker/worker-options.ts';

/** Every behaviour on one open backend. */
export interface Portolan {
  readonly backend: Backend;
  readonly runtime: Runtime;
  readonly keyValue: KeyValue;
  readonly counter: Counter;
  readonly cache: Cache;
  readonly queue: Queue;
  readonly topics: Topics;
  limiter(name: string, policies: readonly LimitPolicy[]): Limiter;
  collection<S extends Schema>(definition: CollectionDefinition<S>): Collection<OutputOf<S>>;
  worker(options: Omit<WorkerOptions, 'port' | 'runtime' | 'events'>): Worker;
  /** For tests: jobs have run when the call that enqueues them resolves. On a backend of its own. */
  inlineQueue(options: Omit<InlineQueueOptions, 'port' | 'runtime' | 'events'>): InlineQueue;
  commandBus(options: Omit<CommandBusOptions, 'port' | 'runtime'>): CommandBus;
  /** Resolves when the store answers; UNAVAILABLE or TIMEOUT otherwise. */
  ping(): Promise<void>;
  /** Closes the backend. Stop workers and command buses first: they hold work. */
  close(): Promise<void>;
}

export interface PortolanOptions {
  readonly runtime?: Runtime;
  readonly cache?: CacheSettings;
  /** Encrypt what jobs carry in the store: the first encrypts, all decrypt, so that keys can be changed. Every process needs the same. See `encryptedQueue`. */
  readonly payloadKeys?: readonly PayloadKey[] | undefined;
  /**
   * What is told of jobs to every process: it is what `queue.events` shows, and how `queue.result` learns at once of the end of a job that another process ran.
   * Costs some 2 µs of processor time a job. `off` unless told; every process needs the same.
   */
  readonly events?: JobEventLevel | 'off' | undefined;
}

/**
 * The whole of Portolan on a backend:
 * `const portolan = createPortolan(await openBackend('memory:', { adapters: [memoryAdapter()] }))`.
 */
export function createPortolan(backend: Backend, options: PortolanOptions = {}): Portolan {
  const runtime = options.runtime ?? createRuntime();
  const { payloadKeys, events: level = 'off' } = options;
  const events =
    level === 'off' ? undefined : createJobEvents({ port: backend.broadcast, runtime, level, payloadKeys });
  const queuePort = payloadKeys ? encryptedQueue(backend.queue, payloadKeys) : backend.queue;
  return {
    backend,
    runtime,
    keyValue: createKeyValue({ port: backend.keyValue, runtime }),
    counter: createCounter({ port: backend.counter, runtime }),
    cache: createCache({ ...options.cache, port: backend.cache, runtime }),
    queue: createQueue({ port: queuePort, runtime, events }),
    topics: createTopics({ port: backend.broadcast, runtime }),
    limiter: (name, policies) => createLimiter({ port: backend.counter, runtime, name, policies }),
    collection: (definition) => openCollection(definition, { port: backend.document, runtime }),
    worker: (worker) => createWorker({ ...worker, port: queuePort, runtime, events }),
    inlineQueue: (inline) => createInlineQueue({ ...inline, port: queuePort, runtime, events }),
    commandBus: (bus) => createCommandBus({ ...bus, port: backend.broadcast, runtime }),
    ping: () => backend.ping(),
    async close() {
      await events?.close();
      await backend.close();
    },
  };
}
