import type { CommandBus } from '@portolan/core';
import type { z } from 'zod';
import { listCommand } from './commands.ts';
import type { listOutput } from './schema.ts';

export type WorkersService = ReturnType<typeof createWorkersService>;

type Listed = z.output<typeof listOutput>;

/** The live workers and what they run. */
export function createWorkersService(bus: CommandBus) {
  let asking: Promise<Listed> | undefined;

  async function ask(): Promise<Listed> {
    const { replies, missing } = await bus.send(listCommand, {});
    const workers = replies.flatMap(({ instance, host, pid, result }) =>
      result?.worker ? [{ instance, host, pid, ...result.worker }] : [],
    );
    return { workers: workers.sort((one, other) => (one.instance < other.instance ? -1 : 1)), missing: [...missing] };
  }

  return {
    /** Asks every process by one command. Those who ask meanwhile get the same answer: a command costs every process something. */
    list(): Promise<Listed> {
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
  };
}
