import { Worker } from 'node:worker_threads';
import { type JobContext, PortolanError } from '@portolan/core';
import { copying, decodeError, encodeError, type Order, type Report, type ThreadData } from './protocol.ts';

/** Beside this file: source runs from source, what was built from what was built. */
const ENTRY = new URL(`./job-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

interface Running {
  readonly run: number;
  readonly context: JobContext;
  /** The module is loaded: what follows is the handler's own time. */
  begin(): void;
  resolve(value: unknown): void;
  reject(error: PortolanError): void;
}

/** One thread, seen from the worker's. It makes one run at a time, and keeps the process alive only meanwhile. */
export class Thread {
  /** Resolves when the thread is gone, whatever it died of. */
  readonly ended: Promise<void>;
  readonly #name: string;
  readonly #loadMs: number;
  readonly #worker: Worker;
  readonly #stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #runs = 0;
  #loaded = false;
  #running: Running | undefined;
  #usable = true;
  #diedOf = 'it ended by itself';

  /** `name` is what errors call it; `loadMs` how long its module may take to load. */
  constructor(module: URL, name: string, loadMs: number) {
    this.#name = name;
    this.#loadMs = loadMs;
    const workerData: ThreadData = { module: module.href, stop: this.#stop };
    this.#worker = new Worker(ENTRY, { workerData, name: 'portolan-job' });
    this.#worker.unref();
    this.#worker.on('message', (report: Report) => this.#hear(report));
    this.#worker.on('error', (error: unknown) => {
      this.#diedOf = error instanceof Error ? error.message : String(error);
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#usable = false;
        const message = `the thread of ${this.#name} died (exit code ${code}): ${this.#diedOf}`;
        this.#end()?.reject(new PortolanError('INTERNAL', message, { retryable: true }));
        resolve();
      });
    });
  }

  /** False once it is gone, or about to be. */
  get usable(): boolean {
    return this.#usable;
  }

  /**
   * One run, on a signal that has not aborted. Ends as the run does: with its result, its error, or the thread. A signal that aborts ends the thread
   * `graceMs` later unless the run is over by then. `begin` is called when the handler has begun, behind the loading of its module.
   */
  async run(data: unknown, context: JobContext, graceMs: number, begin: () => void): Promise<unknown> {
    const { id, queue, attempt, createdAt, schedule, signal } = context;
    const run = ++this.#runs;
    let late: NodeJS.Timeout | undefined;
    const loading = this.#loaded
      ? undefined
      : setTimeout(() => void this.terminate(`its module did not load within ${this.#loadMs} ms`), this.#loadMs);
    const stop = (): void => {
      Atomics.store(this.#stop, 0, run);
      this.#tell({ do: 'stop', reason: encodeError(signal.reason) });
      late = setTimeout(() => void this.terminate('it did not stop when it was told to'), graceMs);
    };
    const loaded = (): void => {
      clearTimeout(loading);
      begin();
    };
    try {
      return await new Promise((resolve, reject) => {
        const task = { run, id, queue, attempt, createdAt, ...(schedule ? { schedule } : {}), data };
        copying(`the data of ${this.#name}`, () => this.#tell({ do: 'run', task }));
        this.#running = { run, context, begin: loaded, resolve, reject };
        this.#worker.ref();
        signal.addEventListener('abort', stop, { once: true });
        if (this.#loaded) begin();
      });
    } finally {
      clearTimeout(loading);
      clearTimeout(late);
      signal.removeEventListener('abort', stop);
    }
  }

  async terminate(reason: string): Promise<void> {
    this.#usable = false;
    this.#diedOf = reason;
    await this.#worker.terminate();
  }

  #tell(order: Order): void {
    this.#worker.postMessage(order);
  }

  /** The run, which is over. */
  #end(): Running | undefined {
    const running = this.#running;
    this.#running = undefined;
    // While its end is waited for it holds the process, which may have nothing else to do.
    if (this.#usable) this.#worker.unref();
    return running;
  }

  #hear(report: Report): void {
    if (report.run !== this.#running?.run) return;
    if (report.is === 'loaded') this.#begun();
    else if (report.is === 'done') this.#end()?.resolve(report.value);
    else if (report.is === 'failed') this.#end()?.reject(decodeError(report.error));
    else if (report.is === 'line') this.#running.context.log(report.line);
    else if (report.is === 'log') this.#running.context.logger[report.level](report.fields, report.message);
    else void this.#answer(this.#running.context, report);
  }

  #begun(): void {
    this.#loaded = true;
    this.#running?.begin();
  }

  async #answer(context: JobContext, report: Extract<Report, { readonly call: number }>): Promise<void> {
    const { call } = report;
    try {
      const value = report.is === 'children' ? await context.children() : await context.progress(report.value);
      this.#tell({ do: 'answer', call, value });
    } catch (error) {
      this.#tell({ do: 'answer', call, error: encodeError(error) });
    }
  }
}
