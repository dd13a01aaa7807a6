import { backoffMs, createLookout, type Lookout } from './broadcast-follow.ts';
import type { CommandReply } from './command.ts';
import { COMMANDS_TOPIC, decodeReply, repliesTopic } from './command-wire.ts';
import { PortolanError } from './errors.ts';
import type { BroadcastPort, ReadAfter } from './ports/broadcast.ts';
import type { Runtime } from './runtime.ts';

const READ_LIMIT = 100;
/** ms between looks at who is still there while answers are awaited: one read and one members call each. */
const CHECK_MS = 500;

export interface GatherOptions {
  readonly port: BroadcastPort;
  readonly runtime: Runtime;
  readonly commandId: string;
  /** Ids of the instances whose answers are awaited. */
  readonly expected: readonly string[];
  readonly timeoutMs: number;
  /** Ends the gathering with CANCELLED. */
  readonly signal: AbortSignal | undefined;
}

export interface Gathered {
  readonly replies: readonly CommandReply[];
  readonly missing: readonly string[];
  readonly lost: readonly string[];
}

/**
 * Collects the replies of one command: until every expected instance replied or is gone, or until the timeout. An instance counts as gone
 * when it is no member any more and a read made after that still shows no reply of it, so one that answered and then left is never lost.
 */
export async function gatherReplies(options: GatherOptions): Promise<Gathered> {
  const { port, runtime, commandId, timeoutMs, signal } = options;
  const topic = repliesTopic(commandId);
  const replies = new Map<string, CommandReply>();
  const waiting = new Set(options.expected);
  const lost = new Set<string>();
  let after: ReadAfter = 'start';

  async function readReplies(): Promise<void> {
    for (;;) {
      const [read] = await port.read([{ topic, after }], READ_LIMIT);
      if (!read) return;
      after = read.cursor;
      for (const { data } of read.messages) {
        const reply = decodeReply(data);
        if (!reply || replies.has(reply.instance)) continue;
        replies.set(reply.instance, reply);
        waiting.delete(reply.instance);
        lost.delete(reply.instance);
      }
      if (!read.more) return;
    }
  }

  async function checkMembers(): Promise<void> {
    const live = new Set((await port.members(COMMANDS_TOPIC)).map((member) => member.id));
    const gone = [...waiting].filter((id) => !live.has(id));
    if (gone.length === 0) return;
    await readReplies();
    for (const id of gone) if (waiting.delete(id)) lost.add(id);
  }

  const over = new AbortController();
  const end = () => over.abort();
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted) end();
  const lookout = createLookout(port, runtime, topic, over.signal);
  const deadline = runtime.clock.now() + timeoutMs;
  try {
    if (waiting.size > 0) await untilAnswered(lookout);
  } finally {
    end();
    signal?.removeEventListener('abort', end);
    await lookout.close();
  }
  if (signal?.aborted) throw new PortolanError('CANCELLED', `command ${commandId}: sent, but no longer awaited`);
  return { replies: [...replies.values()], missing: [...waiting], lost: [...lost] };

  async function untilAnswered(lookout: Lookout): Promise<void> {
    let checkAt = runtime.clock.now() + CHECK_MS;
    for (let failures = 0; !over.signal.aborted; ) {
      const final = runtime.clock.now() >= deadline;
      let pauseMs = CHECK_MS;
      try {
        await lookout.arm();
        await readReplies();
        if (waiting.size > 0 && (final || runtime.clock.now() >= checkAt)) {
          await checkMembers();
          checkAt = runtime.clock.now() + CHECK_MS;
        }
        failures = 0;
      } catch (error) {
        // With the store away the answers may still come: whoever has not been heard of at the timeout is missing.
        if (!PortolanError.from(error).retryable) throw error;
        failures++;
        pauseMs = backoffMs(failures);
      }
      if (waiting.size === 0 || final) return;
      const waitMs = Math.max(0, Math.min(pauseMs, deadline - runtime.clock.now()));
      await (failures > 0 ? runtime.sleep(waitMs, over.signal) : lookout.wait(waitMs));
    }
  }
}
