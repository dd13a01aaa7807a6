import type { CommandBus } from '@portolan/core';
import type { z } from 'zod';
import type { sendInput } from './schema.ts';

export type CommandsService = ReturnType<typeof createCommandsService>;

/** Commands to every live process, and the list of those. */
export function createCommandsService(bus: CommandBus) {
  return {
    async send({ name, args, role, timeoutMs }: z.output<typeof sendInput>) {
      const report = await bus.send(name, args ?? {}, {
        ...(role ? { role } : {}),
        ...(timeoutMs ? { timeoutMs } : {}),
      });
      return { ...report, replies: [...report.replies], missing: [...report.missing], lost: [...report.lost] };
    },
    async instances() {
      const instances = await bus.instances();
      return {
        instances: instances.map((one) => ({
          ...one,
          startedAt: new Date(one.startedAt).toISOString(),
          lastSeen: new Date(one.lastSeen).toISOString(),
        })),
      };
    },
  };
}
