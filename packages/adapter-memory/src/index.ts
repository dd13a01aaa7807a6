export { type MemoryAdapterOptions, memoryAdapter } from './adapter.ts';
export { MemoryHub } from './hub.ts';
