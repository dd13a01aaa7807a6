import { answer, type CommandHandler, defineCommand, type Logger } from '@portolan/core';
import { z } from 'zod';
import type { Replica } from './replica.ts';
import type { Settings } from './settings.ts';
import type { TaskRunner } from './tasks.ts';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What the built-in commands act on, in each process. */
export interface CommandTargets {
  readonly settings: Settings;
  readonly replica: Replica;
  readonly tasks: TaskRunner;
  readonly log: { level: (typeof levels)[number] };
  readonly uptimeMs: () => number;
}

const ping = defineCommand({ name: 'ping', input: z.strictObject({}), output: z.object({ uptimeMs: z.number() }) });
const setSetting = defineCommand({
  name: 'settings.set',
  input: z.strictObject({ name: z.string(), value: z.unknown() }),
  output: z.object({ name: z.string(), value: z.unknown(), previous: z.unknown() }),
});
const reloadData = defineCommand({
  name: 'data.reload',
  input: z.strictObject({ collection: z.string().default('settings'), id: z.string().default('current') }),
  output: z.object({ collection: z.string(), id: z.string(), revision: z.int().nullable() }),
});
const runTask = defineCommand({
  name: 'task.run',
  input: z.strictObject({ task: z.string(), args: z.unknown().optional() }),
  output: z.object({ run: z.string() }),
});
const logLevel = defineCommand({
  name: 'log.level',
  input: z.strictObject({ level: z.enum(levels) }),
  output: z.object({ level: z.enum(levels), previous: z.enum(levels) }),
});

/** The commands that every process answers. */
export function builtInCommands({ settings, replica, tasks, log, uptimeMs }: CommandTargets): CommandHandler[] {
  return [
    answer(ping, async () => ({ uptimeMs: uptimeMs() })),
    answer(setSetting, async ({ name, value }) => ({ name, value, previous: settings.set(name, value) })),
    answer(reloadData, ({ collection, id }) => replica.reload(collection, id)),
    answer(runTask, async ({ task, args }) => tasks.start(task, args)),
    answer(logLevel, async ({ level }) => {
      const previous = log.level;
      log.level = level;
      return { level, previous };
    }),
  ];
}

/** Logs each execution with the command's id, which is the same in every process. */
export function logged(handlers: readonly CommandHandler[], logger: Logger): CommandHandler[] {
  return handlers.map(({ command, run }) => ({
    command,
    run(args, context) {
      logger.info({ command: command.name, id: context.id, from: context.from }, 'command runs');
      return run(args, context);
    },
  }));
}
