import { type ErrorCode, invalid } from './errors.ts';
import { checkName } from './names.ts';
import { type InputOf, type OutputOf, parse, type Schema } from './schema.ts';

/** A command by its name and both schemas. Sender and instances share it. */
export interface CommandDefinition<I extends Schema = Schema, O extends Schema = Schema> {
  readonly name: string;
  readonly input: I;
  readonly output: O;
  /** ms that the sender waits, and after which no instance starts it any more. */
  readonly timeoutMs: number;
}

/** Throws INVALID for a bad name or timeout. */
export function defineCommand<I extends Schema, O extends Schema>(definition: {
  readonly name: string;
  readonly input: I;
  readonly output: O;
  /** 5 s unless told. */
  readonly timeoutMs?: number;
}): CommandDefinition<I, O> {
  const { name, input, output, timeoutMs = 5_000 } = definition;
  return { name: checkName(name, 'command'), input, output, timeoutMs: checkTimeout(timeoutMs) };
}

export function checkTimeout(timeoutMs: number): number {
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1)
    throw invalid(`command timeoutMs ${timeoutMs}: a whole number from 1`);
  return timeoutMs;
}

/** What a handler knows beside the arguments. */
export interface CommandContext {
  /** The command's id: equal on every instance. */
  readonly id: string;
  /** The instance that sent it. */
  readonly from: string;
  /** Aborts when the sender no longer waits, and when this instance stops. */
  readonly signal: AbortSignal;
}

/** A command with the function that answers it on this instance. */
export interface CommandHandler {
  readonly command: CommandDefinition;
  /** Takes the arguments as they were sent, answers the result as it travels. */
  run(args: unknown, context: CommandContext): Promise<unknown>;
}

/** Binds a handler to a command. The arguments are parsed before, the result is checked after. */
export function answer<I extends Schema, O extends Schema>(
  command: CommandDefinition<I, O>,
  handler: (args: OutputOf<I>, context: CommandContext) => Promise<InputOf<O>> | InputOf<O>,
): CommandHandler {
  return {
    command,
    async run(args, context) {
      const result = await handler(await parse(command.input, args, `args of command ${command.name}`), context);
      await parse(command.output, result, `result of command ${command.name}`);
      return result;
    },
  };
}

/** `skipped`: the instance met the command past its deadline (it had been paused or cut off) and did not run it. */
export type CommandOutcome = 'ok' | 'failed' | 'skipped';

/** What one instance answered. */
export interface CommandReply<T = unknown> {
  readonly instance: string;
  readonly role: string;
  readonly host: string;
  readonly pid: number;
  readonly outcome: CommandOutcome;
  readonly result?: T;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** ms that the handler took. */
  readonly ms: number;
}

/** What came of a command. */
export interface CommandReport<T = unknown> {
  readonly id: string;
  /** The live instances it was meant for, counted in the atomic step that sent it. */
  readonly expected: number;
  /** In the order of arrival; also of an instance that was not expected because it had just been taken for dead. */
  readonly replies: readonly CommandReply<T>[];
  /** Ids of expected instances that are alive, but did not answer in time. */
  readonly missing: readonly string[];
  /** Ids of expected instances that left or expired without an answer: whether they ran it is unknown. */
  readonly lost: readonly string[];
}
