import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { invalid, type Logger } from '@portolan/core';
import { copying, decodeError, encodeError, type Order, type Report, type Task, type ThreadData } from './protocol.ts';
import type { ThreadContext } from './thread-run.ts';

/** The thread of a handler: loads its module at the first run, and makes one run at a time. */
const { module, stop } = workerData as ThreadData;
const port = parentPort as MessagePort;
const send = (report: Report): void => port.postMessage(report);

type AnyRun = (data: unknown, context: ThreadContext) => unknown;
type Answer = Extract<Order, { do: 'answer' }>;

let loaded: AnyRun | undefined;
let stopping = new AbortController();
let calls = 0;
/** Of calls that were sent and are not answered yet. */
const waiting = new Map<number, (answer: Answer) => void>();

async function load(): Promise<AnyRun> {
  const { default: run }: { default?: unknown } = await import(module);
  if (typeof run !== 'function') throw invalid(`${module}: its default export is not a function`);
  return run as AnyRun;
}

function ask(report: (call: number) => Report): Promise<unknown> {
  const call = ++calls;
  return new Promise((resolve, reject) => {
    copying('progress', () => send(report(call)));
    waiting.set(call, ({ value, error }) => (error ? reject(decodeError(error)) : resolve(value)));
  });
}

/** Fields that cannot be copied are left out, the entry is not. */
function createLogger(run: number): Logger {
  const log =
    (level: keyof Logger) =>
    (fields: object, message: string): void => {
      try {
        send({ run, is: 'log', level, fields, message });
      } catch {
        send({ run, is: 'log', level, fields: {}, message });
      }
    };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

async function start({ run, id, queue, attempt, createdAt, schedule, data }: Task): Promise<void> {
  const { signal } = stopping;
  const context: ThreadContext = {
    ...{ id, queue, attempt, createdAt, signal },
    ...(schedule ? { schedule } : {}),
    progress: async (value) => void (await ask((call) => ({ run, is: 'progress', call, value }))),
    children: async () =>
      (await ask((call) => ({ run, is: 'children', call }))) as Awaited<ReturnType<ThreadContext['children']>>,
    log: (line) => send({ run, is: 'line', line: String(line) }),
    logger: createLogger(run),
    get stopped() {
      return signal.aborted || Atomics.load(stop, 0) === run;
    },
  };
  try {
    if (!loaded) {
      loaded = await load();
      send({ run, is: 'loaded' });
    }
    const value = await loaded(data, context);
    copying('the result', () => send({ run, is: 'done', value }));
  } catch (error) {
    send({ run, is: 'failed', error: encodeError(error) });
  }
}

port.on('message', (order: Order) => {
  if (order.do === 'run') {
    stopping = new AbortController();
    void start(order.task);
  } else if (order.do === 'stop') {
    stopping.abort(decodeError(order.reason));
  } else {
    waiting.get(order.call)?.(order);
    waiting.delete(order.call);
  }
});
