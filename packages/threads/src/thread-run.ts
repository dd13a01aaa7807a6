import type { InputOf, JobContext, JobDefinition, OutputOf } from '@portolan/core';

/** What a handler in a thread knows of its run. `signal`, `progress`, `children`, `log` and `logger` work across the threads, as soon as the handler yields. */
export interface ThreadContext extends JobContext {
  /** True as soon as `signal` is to abort, even in a loop that never yields. Look at it now and then, and the thread is kept. */
  readonly stopped: boolean;
}

/** The default export of a module that `handleInThread` is given: `const run: ThreadRun<typeof resize> = …; export default run;`. */
export type ThreadRun<J extends JobDefinition> = (
  data: OutputOf<J['input']>,
  context: ThreadContext,
) => Promise<InputOf<J['output']>> | InputOf<J['output']>;
