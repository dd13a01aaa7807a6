import { PortolanError } from '../errors.ts';
import type { QueuePort } from '../ports/queue.ts';
import type { ExchangeRequest, ExchangeResult } from '../ports/queue-exchange.ts';
import type { Runtime } from '../runtime.ts';

const RETRY_MS = { first: 50, most: 1_000 };

/** Repeats an exchange, which its nonce makes safe, until it is answered. Undefined when `abandoned` aborts before. */
export async function exchangeUntilAnswered(
  port: QueuePort,
  queue: string,
  request: ExchangeRequest,
  runtime: Runtime,
  abandoned: AbortSignal,
): Promise<ExchangeResult | undefined> {
  for (let pause = RETRY_MS.first; !abandoned.aborted; pause = Math.min(pause * 2, RETRY_MS.most)) {
    try {
      return await port.exchange(queue, request);
    } catch (error) {
      const { code, message } = PortolanError.from(error);
      const level = pause === RETRY_MS.first ? 'warn' : 'debug';
      runtime.logger[level]({ queue, code, reason: message }, 'The queue does not answer its worker; trying on');
      await runtime.sleep(pause, abandoned);
    }
  }
  return undefined;
}
