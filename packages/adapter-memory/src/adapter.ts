import { type Adapter, type Backend, type Clock, invalid, type OpenOptions, PortolanError } from '@portolan/core';
import { memoryBroadcast } from './broadcast.ts';
import { memoryCache } from './cache.ts';
import { memoryCounter } from './counter.ts';
import { memoryDocument } from './document.ts';
import { type MemoryContext, MemoryHub } from './hub.ts';
import { memoryKeyValue } from './key-value.ts';
import { memoryQueue } from './queue.ts';
import { memoryTransfer } from './transfer.ts';

export interface MemoryAdapterOptions {
  /** Every backend opened by this adapter shares the hub. Without it `memory:` is a store of its own and `memory:NAME` is shared by name. */
  readonly hub?: MemoryHub;
}

/** The reference adapter: everything in this process, nothing outlives it. */
export function memoryAdapter(options: MemoryAdapterOptions = {}): Adapter {
  const named = new Map<string, MemoryHub>();
  function hubOf(name: string, clock: Clock): MemoryHub {
    if (options.hub) return options.hub;
    const hub = named.get(name) ?? new MemoryHub(clock);
    if (name) named.set(name, hub);
    return hub;
  }
  return {
    schemes: ['memory'],
    async open(url, open) {
      const name = /^memory:([A-Za-z0-9_.-]*)$/i.exec(url)?.[1];
      if (name === undefined) throw invalid('backend URL: memory: takes at most a name, as in memory:shared');
      return openMemory(hubOf(name, open.runtime.clock), open);
    },
  };
}

function openMemory(hub: MemoryHub, { namespace }: OpenOptions): Backend {
  let closed = false;
  const endings: (() => void)[] = [];
  const context: MemoryContext = {
    hub,
    namespace,
    open() {
      if (closed) throw new PortolanError('UNAVAILABLE', 'the backend is closed', { retryable: false });
    },
    onClose: (end) => void endings.push(end),
  };
  return {
    keyValue: memoryKeyValue(context),
    cache: memoryCache(context),
    counter: memoryCounter(context),
    document: memoryDocument(context),
    queue: memoryQueue(context),
    broadcast: memoryBroadcast(context),
    transfer: memoryTransfer(context),
    capabilities: { name: 'memory', shared: false, durable: false },
    ping: async () => context.open(),
    async close() {
      if (closed) return;
      closed = true;
      for (const end of endings) end();
    },
  };
}
