export { handleInThread, type ThreadHandler, type ThreadOptions } from './handle-in-thread.ts';
export type { ThreadContext, ThreadRun } from './thread-run.ts';
