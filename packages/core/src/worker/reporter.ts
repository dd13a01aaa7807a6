import type { JobEvents } from '../job-events.ts';
import type { Logger } from '../runtime.ts';
import type { WorkerEvent } from './event.ts';

/** To whom a worker tells what happens to its jobs. */
export interface Reporter {
  /** Does anybody listen for events of this type? Else none needs to be made. */
  wants(type: WorkerEvent['type']): boolean;
  /** Never throws. */
  report(event: WorkerEvent): void;
}

export function createReporter(
  onEvent: ((event: WorkerEvent) => void) | undefined,
  events: JobEvents | undefined,
  logger: Logger,
): Reporter {
  return {
    wants: (type) => onEvent !== undefined || events?.wants(type) === true,
    report(event) {
      events?.publish(event);
      try {
        onEvent?.(event);
      } catch (error) {
        logger.error({ error }, 'onEvent of a worker failed');
      }
    },
  };
}
