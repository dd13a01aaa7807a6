/** Lines kept of a job; those that were logged first go first. Also the most that one amendment adds. */
export const MAX_LOG_LINES = 100;

/** A line that a job's run has logged. */
export interface JobLogLine {
  /** ms on the store's clock, when it was stored. */
  readonly at: number;
  readonly line: string;
}
