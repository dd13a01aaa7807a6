import { commandsRouter } from './commands/router.ts';
import { countersRouter } from './counters/router.ts';
import { flowsRouter } from './flows/router.ts';
import { jobsRouter, queuesRouter } from './jobs/router.ts';
import { keysRouter } from './keys/router.ts';
import { pagesRouter } from './pages/router.ts';
import { schedulesRouter } from './schedules/router.ts';
import { systemRouter } from './system/router.ts';
import { topicsRouter } from './topics/router.ts';
import { router } from './trpc.ts';
import { universitiesRouter } from './universities/router.ts';
import { usersRouter } from './users/router.ts';
import { workersRouter } from './workers/router.ts';

export const appRouter = router({
  keys: keysRouter,
  counters: countersRouter,
  universities: universitiesRouter,
  pages: pagesRouter,
  jobs: jobsRouter,
  queues: queuesRouter,
  schedules: schedulesRouter,
  flows: flowsRouter,
  users: usersRouter,
  topics: topicsRouter,
  commands: commandsRouter,
  workers: workersRouter,
  system: systemRouter,
});

export type AppRouter = typeof appRouter;
