import { backoffMs } from './broadcast-follow.ts';
import type { CommandHandler, CommandReply } from './command.ts';
import {
  type CommandEnvelope,
  encodeCommandValue,
  type InstanceInfo,
  REPLIES_RETENTION,
  repliesTopic,
} from './command-wire.ts';
import { PortolanError } from './errors.ts';
import type { BroadcastPort } from './ports/broadcast.ts';
import type { Runtime } from './runtime.ts';

/** Attempts at storing one reply: about 3 s of a store that is away. */
const REPLY_ATTEMPTS = 8;

export interface CommandRun {
  readonly port: BroadcastPort;
  readonly runtime: Runtime;
  readonly instance: string;
  readonly info: InstanceInfo;
  readonly handlers: ReadonlyMap<string, CommandHandler>;
  readonly envelope: CommandEnvelope;
  /** ms until the sender no longer waits; not above 0 when that is past. */
  readonly remainingMs: number;
  /** Aborts when the instance ends. */
  readonly ended: AbortSignal;
}

interface Answered {
  readonly outcome: CommandReply['outcome'];
  readonly error?: CommandReply['error'];
  /** JSON text. */
  readonly result?: string | undefined;
}

/** Runs one command on this instance and appends its reply. Never throws: what fails stands in the reply, and a reply that cannot be stored is logged. */
export async function runCommand(run: CommandRun): Promise<void> {
  const { clock } = run.runtime;
  const started = clock.now();
  const { result, ...answered } = run.remainingMs > 0 ? await perform(run) : SKIPPED;
  const { role, host, pid } = run.info;
  const head: CommandReply = { instance: run.instance, role, host, pid, ...answered, ms: clock.now() - started };
  const text = JSON.stringify(head);
  await storeReply(run, result === undefined ? text : `${text.slice(0, -1)},"result":${result}}`);
}

const SKIPPED: Answered = {
  outcome: 'skipped',
  error: { code: 'TIMEOUT', message: 'the instance met the command after its deadline' },
};

async function perform({ runtime, handlers, envelope, remainingMs, ended }: CommandRun): Promise<Answered> {
  const { id, name, args, from } = envelope;
  const deadline = new AbortController();
  const end = () => deadline.abort();
  ended.addEventListener('abort', end, { once: true });
  if (ended.aborted) end();
  void runtime.sleep(remainingMs, deadline.signal).then(end);
  try {
    const handler = handlers.get(name);
    if (!handler) throw new PortolanError('NOT_FOUND', `command ${name} is not known to this instance`);
    const result = await handler.run(args, { id, from, signal: deadline.signal });
    return { outcome: 'ok', result: encodeCommandValue(result, `result of command ${name}`) };
  } catch (cause) {
    const { code, message } = PortolanError.from(cause);
    runtime.logger.warn({ command: name, id, code, cause }, 'command failed');
    // What went wrong inside is for this process's log; the sender may be anybody.
    return { outcome: 'failed', error: { code, message: code === 'INTERNAL' ? 'internal error' : message } };
  } finally {
    end();
    ended.removeEventListener('abort', end);
  }
}

/** An append is not idempotent, so a repeated one may store a reply twice: whoever gathers counts an instance once. */
async function storeReply({ port, runtime, envelope }: CommandRun, data: string): Promise<void> {
  for (let failures = 0; ; ) {
    try {
      await port.append(repliesTopic(envelope.id), [{ data }], REPLIES_RETENTION);
      return;
    } catch (error) {
      failures++;
      const { code, retryable } = PortolanError.from(error);
      if (!retryable || failures >= REPLY_ATTEMPTS) {
        runtime.logger.warn({ command: envelope.name, id: envelope.id, code }, 'the reply of a command was not stored');
        return;
      }
      await runtime.sleep(backoffMs(failures));
    }
  }
}
