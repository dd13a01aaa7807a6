import { PortolanError } from '../errors.ts';

/** Queues of a namespace that are listed at a time. Workers serve what is listed, so a queue beyond them would never be served. */
export const MAX_QUEUES = 1_000;

/** What a push to, or a pause of, one queue more than `MAX_QUEUES` is refused with. */
export function tooManyQueues(queue: string): PortolanError {
  return new PortolanError(
    'CONFLICT',
    `queue ${queue}: there are ${MAX_QUEUES} queues already, and no more at a time; one that is empty leaves the list some minutes after its last push`,
  );
}
