import { PortolanError } from '@portolan/core';

/** Ends what a process started, in order. */
export type Stop = () => Promise<void>;

/**
 * Runs a process: starts it, and on SIGTERM or SIGINT, or when `start` calls what it is given, stops it once, gracefully. A bad configuration or argument ends it
 * with one line and exit code 2; a second signal ends it at once.
 */
export async function runProcess(start: (end: () => void) => Promise<Stop | undefined>): Promise<void> {
  let stop: Stop | undefined;
  const ending = Promise.withResolvers<void>();
  try {
    stop = await start(ending.resolve);
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exit(PortolanError.is(error, 'INVALID') || isArgumentError(error) ? 2 : 1);
  }
  if (!stop) return;
  const end = stop;
  let stopping = false;
  const stopOnce = () => {
    if (stopping) return;
    stopping = true;
    end().then(
      () => process.exit(0),
      (error) => {
        process.stderr.write(`${explain(error)}\n`);
        process.exit(1);
      },
    );
  };
  let signalled = false;
  const onSignal = () => {
    if (signalled) process.exit(1);
    signalled = true;
    stopOnce();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  void ending.promise.then(stopOnce);
}

/** Refused configuration is told in its one line; anything unforeseen with its stack. */
function explain(error: unknown): string {
  if (PortolanError.is(error)) return error.message;
  if (isArgumentError(error)) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** What `parseArgs` of node:util throws for an argument it does not know. */
function isArgumentError(error: unknown): error is TypeError {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
