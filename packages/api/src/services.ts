import { hostname } from 'node:os';
import type { CacheSettings, CommandBus, Handler, Portolan, Runtime } from '@portolan/core';
import { type CommandsService, createCommandsService } from './commands/service.ts';
import { type CountersService, createCountersService } from './counters/service.ts';
import { createFlowsService, type FlowsService } from './flows/service.ts';
import { builtInHandlers } from './jobs/jobs.ts';
import { createKeptResults, keptResultsCollection } from './jobs/results.ts';
import { createJobsService, type JobsService } from './jobs/service.ts';
import { createKeysService, type KeysService } from './keys/service.ts';
import { fetchPageHandler } from './pages/jobs.ts';
import { createPageFetcher } from './pages/safe-fetch.ts';
import { createPagesService, type PagesService } from './pages/service.ts';
import { createSchedulesService, type SchedulesService } from './schedules/service.ts';
import { CallCount } from './system/calls.ts';
import { builtInCommands, type CommandTargets, logged } from './system/commands.ts';
import { Replica, settingsCollection } from './system/replica.ts';
import { createSystemService, type SystemService } from './system/service.ts';
import { createSettings } from './system/settings.ts';
import { builtInTasks, TaskRunner } from './system/tasks.ts';
import { createTopicsService, type TopicsService } from './topics/service.ts';
import { createUniversitiesService, type UniversitiesService } from './universities/service.ts';
import { createUniversitiesUpstream } from './universities/upstream.ts';
import { createUsersService, type UsersService, usersCollection } from './users/service.ts';
import { type AttachedWorker, answerList, workerCommands } from './workers/commands.ts';
import { createWorkersService, type WorkersService } from './workers/service.ts';

/** What the routers call: one service per feature. */
export interface Services {
  readonly keys: KeysService;
  readonly counters: CountersService;
  readonly universities: UniversitiesService;
  readonly pages: PagesService;
  readonly jobs: JobsService;
  readonly schedules: SchedulesService;
  readonly flows: FlowsService;
  readonly users: UsersService;
  readonly topics: TopicsService;
  readonly commands: CommandsService;
  readonly workers: WorkersService;
  readonly system: SystemService;
}

export interface FeatureOptions {
  readonly role: string;
  readonly version: string;
  readonly universitiesUrl: string;
  readonly fetchAllow: readonly string[];
  readonly cacheTtlMs: number;
  readonly log: CommandTargets['log'];
}

/** The features of one process: services for the server, handlers for the worker, commands for both. */
export interface Features {
  readonly services: Services;
  readonly handlers: readonly Handler[];
  readonly commands: CommandBus;
  /** Names this process's worker, so that commands reach it. */
  attachWorker(attached: AttachedWorker): void;
  /**
   * Joins the command bus, seeds the sample users and reads the settings, in the background: while the store is away it goes on trying.
   * The answer resolves when all is done, or `stop` came first.
   */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createFeatures(portolan: Portolan, options: FeatureOptions): Features {
  const { runtime, keyValue, counter, queue, topics, cache } = portolan;
  const startedAt = runtime.clock.now();
  const stopping = new AbortController();
  const settings = createSettings({ cacheTtlMs: options.cacheTtlMs });
  const usersStore = portolan.collection(usersCollection);
  const users = createUsersService(usersStore);
  const replica = new Replica(
    settings,
    portolan.collection(settingsCollection),
    new Map([
      [usersCollection.name, async (id: string) => ({ revision: (await usersStore.get(id))?.revision ?? null })],
    ]),
  );
  const ping = () => portolan.ping();
  let attached: AttachedWorker | undefined;
  const targets = { attached: () => attached, instance: () => commands.instance, clock: runtime.clock };
  const tasks: TaskRunner = new TaskRunner(builtInTasks(runtime, ping), topics, runtime, () => commands.instance);
  const commands: CommandBus = portolan.commandBus({
    instance: { role: options.role, host: hostname(), pid: process.pid, version: options.version, startedAt },
    handlers: [
      ...logged(
        [
          ...builtInCommands({
            settings,
            replica,
            tasks,
            log: options.log,
            uptimeMs: () => runtime.clock.now() - startedAt,
          }),
          ...workerCommands(targets),
        ],
        runtime.logger,
      ),
      answerList(targets),
    ],
  });
  const keptResults = portolan.collection(keptResultsCollection);
  const results = createKeptResults(keptResults, () => runtime.clock.now());
  const fetcher = createPageFetcher({ allow: options.fetchAllow, logger: runtime.logger });
  const upstream = createUniversitiesUpstream({ url: options.universitiesUrl });
  const pages = createPagesService(cache, queue, fetcher, settings, runtime.clock);
  const calls = new CallCount(counter, runtime.logger);
  const facts = {
    version: options.version,
    pid: process.pid,
    backend: portolan.backend.capabilities,
    instance: commands.instance,
  };
  const services: Services = {
    keys: createKeysService(keyValue),
    counters: createCountersService(counter),
    universities: createUniversitiesService(cache, upstream, settings),
    pages,
    jobs: createJobsService(queue, results, runtime),
    schedules: createSchedulesService(queue),
    flows: createFlowsService(queue),
    users,
    topics: createTopicsService(topics, runtime),
    commands: createCommandsService(commands),
    workers: createWorkersService(commands),
    system: createSystemService({ facts, calls, cache, ping, clock: runtime.clock }),
  };
  return {
    services,
    handlers: [...builtInHandlers((ms, signal) => runtime.sleep(ms, signal)), fetchPageHandler(pages.get, results)],
    commands,
    attachWorker(worker) {
      attached = worker;
    },
    async start() {
      const steps = [() => commands.start(), () => users.seed(), () => replica.start()];
      for (const step of steps) await untilDone(step, runtime, stopping.signal);
      void keepHouse(() => keptResults.sweep(), runtime, stopping.signal);
    },
    async stop() {
      stopping.abort();
      await tasks.stop();
      await commands.stop();
      await services.system.flush();
      await Promise.all([fetcher.close(), upstream.close()]);
    },
  };
}

const RETRY_MS = 500;
const HOUSEKEEPING_MS = 30_000;

/** What may be stored in the cache: pages of 2 MiB and upstream answers of 8 MiB, with room for JSON's escapes. */
export const CACHE_SETTINGS: CacheSettings = { maxEntryBytes: 16 * 1024 * 1024 };

/** Removes what has expired where nobody else would come by. A store that is away is told elsewhere. */
async function keepHouse(sweep: () => Promise<void>, runtime: Runtime, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    await sweep().catch(() => undefined);
    await runtime.sleep(HOUSEKEEPING_MS, stopping);
  }
}

/** Runs a step of the start until it succeeds; warns once. */
async function untilDone(step: () => Promise<unknown>, runtime: Runtime, stopping: AbortSignal): Promise<void> {
  for (let attempt = 0; !stopping.aborted; attempt++) {
    try {
      await step();
      return;
    } catch (error) {
      if (attempt === 0) runtime.logger.warn({ reason: (error as Error).message }, 'start waits for the store');
      await runtime.sleep(RETRY_MS, stopping);
    }
  }
}
