import { backoffMs, followTopic } from './broadcast-follow.ts';
import type { CommandHandler } from './command.ts';
import { runCommand } from './command-run.ts';
import { COMMANDS_TOPIC, decodeEnvelope, type InstanceInfo } from './command-wire.ts';
import { PortolanError } from './errors.ts';
import type { BroadcastPort, Cursor, TopicMessage } from './ports/broadcast.ts';
import type { Runtime } from './runtime.ts';

const READ_LIMIT = 100;
/** ms that handlers under way get when the instance stops. */
const GRACE_MS = 1_000;

export interface InstanceOptions {
  readonly port: BroadcastPort;
  readonly runtime: Runtime;
  readonly instance: string;
  readonly info: InstanceInfo;
  readonly handlers: ReadonlyMap<string, CommandHandler>;
  readonly ttlMs: number;
  readonly beatMs: number;
}

export interface RunningInstance {
  /** Resolves after the first attempt to join; rejects when trying again is of no use. */
  readonly started: Promise<void>;
  stop(): Promise<void>;
}

/**
 * One instance from join to leave. It joins at a cursor and reads the commands in order from there, so none runs twice. When its membership
 * expired (it was paused or cut off) the next beat joins again and it goes on from its own cursor; whatever it then meets past its deadline is
 * skipped. The deadline counts from the append on the store's clock; what the store's clock shows by now is at most its time of the read plus
 * the time the read took here, so a pause in mid-read counts too and no two machines' clocks are compared.
 */
export function startInstance(options: InstanceOptions): RunningInstance {
  const { port, runtime, instance, info, handlers } = options;
  const ending = new AbortController();
  const ended = new AbortController();
  const active = new Set<Promise<void>>();
  const member = { id: instance, info: JSON.stringify(info) };
  const started = Promise.withResolvers<void>();
  let reading: Promise<void> | undefined;

  async function beat(): Promise<void> {
    for (let failures = 0; !ending.signal.aborted; ) {
      try {
        const { cursor } = await port.join(COMMANDS_TOPIC, member, options.ttlMs);
        if (failures > 0) runtime.logger.info({ instance, failures }, 'commands: the store is back');
        failures = 0;
        reading ??= read(cursor).catch(failed);
      } catch (error) {
        const { code, message, retryable } = PortolanError.from(error);
        if (!retryable) throw error;
        failures++;
        if (failures === 1) runtime.logger.warn({ instance, code }, `commands: ${message}; trying again`);
      }
      started.resolve();
      await runtime.sleep(failures > 0 ? Math.min(backoffMs(failures), options.beatMs) : options.beatMs, ending.signal);
    }
  }

  async function read(after: Cursor): Promise<void> {
    const follow = { port, runtime, topic: COMMANDS_TOPIC, after, limit: READ_LIMIT, signal: ending.signal };
    for await (const batch of followTopic(follow)) {
      if (batch.gap) runtime.logger.warn({ instance }, 'commands were lost: this instance fell behind what is kept');
      if (ending.signal.aborted) return;
      for (const message of batch.messages) take(message, batch.now);
    }
  }

  function take(message: TopicMessage, now: number): void {
    const envelope = decodeEnvelope(message.data);
    if (!envelope) {
      runtime.logger.warn({ id: message.cursor }, 'unreadable command left out');
      return;
    }
    if (envelope.role !== undefined && envelope.role !== info.role) return;
    const remainingMs = message.at + envelope.timeoutMs - now;
    const run = runCommand({ port, runtime, instance, info, handlers, envelope, remainingMs, ended: ended.signal });
    const done = run.finally(() => active.delete(done));
    active.add(done);
  }

  /** Who no longer answers must not go on looking alive: without beats the membership expires. */
  const failed = (error: unknown) => {
    ending.abort();
    const { code, message } = PortolanError.from(error);
    runtime.logger.error({ instance, code }, `commands are no longer answered: ${message}`);
  };
  const beating = beat().catch((error: unknown) => {
    failed(error);
    started.reject(error);
  });

  return {
    started: started.promise,
    async stop() {
      ending.abort();
      started.resolve();
      // A beat under way would join again behind the leaving.
      await beating;
      await port.leave(COMMANDS_TOPIC, instance).catch((error: unknown) => {
        const { code } = PortolanError.from(error);
        runtime.logger.warn({ instance, code }, 'could not leave; the membership expires by itself');
      });
      await reading;
      if (active.size > 0) {
        const waited = new AbortController();
        await Promise.race([Promise.all(active), runtime.sleep(GRACE_MS, waited.signal)]);
        waited.abort();
      }
      ended.abort();
    },
  };
}
