import {
  answer,
  type BroadcastPort,
  type CommandBus,
  type CommandBusOptions,
  type CommandHandler,
  createCommandBus,
  defineCommand,
} from '@portolan/core';
import { z } from 'zod';
import type { Kit } from './harness.ts';

/** Answers what it was asked. */
export const echo: CommandHandler = answer(
  defineCommand({ name: 'echo', input: z.unknown(), output: z.unknown() }),
  (args) => args,
);

type Who = Partial<CommandBusOptions['instance']> & Pick<CommandBusOptions, 'ttlMs' | 'beatMs'>;

export function busOf(kit: Kit, port: BroadcastPort, who: Who, handlers: readonly CommandHandler[]): CommandBus {
  const { ttlMs, beatMs, ...instance } = who;
  return createCommandBus({
    port,
    runtime: kit.runtime,
    instance: { role: 'worker', host: 'test', pid: 0, version: '1', ...instance },
    handlers,
    ...(ttlMs ? { ttlMs } : {}),
    ...(beatMs ? { beatMs } : {}),
  });
}

export async function startBus(
  kit: Kit,
  port: BroadcastPort,
  who: Who,
  handlers: readonly CommandHandler[],
): Promise<CommandBus> {
  const bus = busOf(kit, port, who, handlers);
  await bus.start();
  return bus;
}
