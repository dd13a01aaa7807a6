import {
  type CommandDefinition,
  type CommandHandler,
  type CommandReply,
  type CommandReport,
  checkTimeout,
} from './command.ts';
import { gatherReplies } from './command-gather.ts';
import { type RunningInstance, startInstance } from './command-instance.ts';
import {
  COMMANDS_RETENTION,
  COMMANDS_TOPIC,
  type CommandEnvelope,
  decodeInstance,
  encodeCommandValue,
  type Instance,
  type InstanceInfo,
} from './command-wire.ts';
import { invalid, PortolanError } from './errors.ts';
import { checkName } from './names.ts';
import type { BroadcastPort } from './ports/broadcast.ts';
import type { Runtime } from './runtime.ts';
import { type InputOf, type OutputOf, parse, type Schema } from './schema.ts';

const DEFAULT_TIMEOUT_MS = 5_000;

export interface CommandBusOptions {
  readonly port: BroadcastPort;
  readonly runtime: Runtime;
  /** Who this process is. `startedAt` is now unless told. */
  readonly instance: Omit<InstanceInfo, 'startedAt'> & { readonly startedAt?: number };
  readonly handlers: readonly CommandHandler[];
  /** ms after its last beat that an instance counts as live; 6 s unless told. */
  readonly ttlMs?: number;
  /** ms between beats; 2 s unless told. */
  readonly beatMs?: number;
}

export interface SendOptions {
  /** Only instances of this role; all unless told. */
  readonly role?: string;
  /** ms to wait for answers; the command's own unless told. */
  readonly timeoutMs?: number;
  /** Ends the waiting with CANCELLED; the command is not called back. */
  readonly signal?: AbortSignal;
}

/**
 * Commands to every live process, and who answered what. Delivered at least once to each instance that is live when the command is sent, and run
 * at most once per instance start: a process that dies in the middle is `lost`, whether it ran is unknown, and nothing repeats it.
 */
export interface CommandBus {
  /** This instance's id, new at each start. */
  readonly instance: string;
  /**
   * Joins and answers commands from here on. A store that is away is no error: the bus goes on trying, and this resolves after the first attempt.
   * A bus that only sends needs no start.
   */
  start(): Promise<void>;
  /** Leaves, lets handlers under way finish for up to a second, then aborts their signals. */
  stop(): Promise<void>;
  /**
   * Sends a command to every live instance (this one too, when started) and gathers the answers: until all are in, or everybody else is gone, or
   * the timeout. Not repeated after a failure. Throws INVALID with the path of a wrong field before anything is sent, TOO_LARGE for arguments
   * above 64 KiB. By name the arguments are checked here only if this bus has a handler of that name.
   */
  send<I extends Schema, O extends Schema>(
    command: CommandDefinition<I, O>,
    args: InputOf<I>,
    options?: SendOptions,
  ): Promise<CommandReport<OutputOf<O>>>;
  send(command: string, args: unknown, options?: SendOptions): Promise<CommandReport>;
  /** The live instances, by id. One round trip. */
  instances(): Promise<readonly Instance[]>;
}

export function createCommandBus(options: CommandBusOptions): CommandBus {
  const { port, runtime, ttlMs = 6_000, beatMs = 2_000 } = options;
  if (!(beatMs > 0 && beatMs < ttlMs)) throw invalid(`beatMs ${beatMs}: above 0 and below ttlMs ${ttlMs}`);
  const info: InstanceInfo = { startedAt: runtime.clock.now(), ...options.instance };
  checkName(info.role, 'role');
  const handlers = new Map<string, CommandHandler>();
  for (const handler of options.handlers) {
    const { name } = handler.command;
    if (handlers.has(name)) throw invalid(`command ${name}: has two handlers`);
    handlers.set(name, handler);
  }
  let instance = runtime.id();
  let used = false;
  let running: RunningInstance | undefined;

  async function send(command: CommandDefinition | string, args: unknown, options: SendOptions = {}) {
    const name = checkName(typeof command === 'string' ? command : command.name, 'command');
    const definition = typeof command === 'string' ? handlers.get(name)?.command : command;
    const { role, signal } = options;
    if (role !== undefined) checkName(role, 'role');
    const timeoutMs = checkTimeout(options.timeoutMs ?? definition?.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    if (definition) await parse(definition.input, args, `args of command ${name}`);
    encodeCommandValue(args, `args of command ${name}`);
    if (signal?.aborted) throw new PortolanError('CANCELLED', `command ${name}: cancelled before it was sent`);

    const id = runtime.id();
    const envelope: CommandEnvelope = { id, name, args, timeoutMs, from: instance, ...(role ? { role } : {}) };
    const message = { data: JSON.stringify(envelope) };
    const { members } = await port.append(COMMANDS_TOPIC, [message], COMMANDS_RETENTION, { members: true });
    const expected = members
      .map(decodeInstance)
      .filter((one) => one !== undefined && (role === undefined || one.role === role))
      .map((one) => (one as Instance).instance);
    const gathered = await gatherReplies({ port, runtime, commandId: id, expected, timeoutMs, signal });
    const replies = definition
      ? await Promise.all(gathered.replies.map((reply) => checkResult(definition, reply)))
      : gathered.replies;
    return { id, expected: expected.length, replies, missing: gathered.missing, lost: gathered.lost };
  }

  return {
    get instance() {
      return instance;
    },
    start() {
      if (!running) {
        if (used) instance = runtime.id();
        used = true;
        running = startInstance({ port, runtime, instance, info, handlers, ttlMs, beatMs });
      }
      return running.started;
    },
    async stop() {
      const stopping = running;
      running = undefined;
      await stopping?.stop();
    },
    send: send as CommandBus['send'],
    async instances() {
      return (await port.members(COMMANDS_TOPIC)).map(decodeInstance).filter((one) => one !== undefined);
    },
  };
}

/** The result as the sender's schema reads it; a result that it refuses (another version answered) is a failure of that instance. */
async function checkResult(definition: CommandDefinition, reply: CommandReply): Promise<CommandReply> {
  if (reply.outcome !== 'ok') return reply;
  const { result, ...rest } = reply;
  try {
    const parsed = await parse(definition.output, result, `result of command ${definition.name}`);
    return parsed === undefined ? rest : { ...rest, result: parsed };
  } catch (error) {
    const { code, message } = PortolanError.from(error);
    return { ...rest, outcome: 'failed', error: { code, message } };
  }
}
