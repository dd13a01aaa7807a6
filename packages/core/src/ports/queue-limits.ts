/** At most `count` starts within a window of `ms`. */
export interface StartRate {
  readonly count: number;
  readonly ms: number;
}

/**
 * How many jobs may be active at a time, and how many may start in a window. A start is a claim; a job that is handed back unrun does not give its
 * start back. A window is fixed: it begins with the first start after the last one ended, on the store's clock, and ends `ms` later, whatever `ms` is by then.
 */
export interface RunLimits {
  readonly concurrency?: number;
  readonly rate?: StartRate;
}

/**
 * Limits of a queue, over all workers of all processes, from the next claim on; `group` holds for each group of jobs by itself. A job that was claimed
 * before counts as active, whatever the limits were. Windows that are under way go on under other rates, and are forgotten when there is no rate.
 *
 * A grouped job waits in the line like any other. When its turn comes and its group has no room, it steps aside, still `waiting`: once, into its group's own
 * line, which keeps priority and order. As soon as the group has room (a job of it ends, is handed back or vanishes, its window ends, the limits
 * change), its first job aside comes before all that wait in the line with the same or a lower priority; of several groups, the one whose first has the higher
 * priority or stepped aside earlier. So only those are overtaken whose group has no room, and nothing is searched. A job that goes to the front of the queue
 * goes to the front of its group's own line while groups are limited.
 *
 * One claim moves at most `MAX_STEPS_ASIDE` jobs aside. Where it stopped for that, it answers `dueInMs` 0.
 */
export interface QueueLimits extends RunLimits {
  readonly group?: RunLimits;
}

/** Most jobs that one claim moves aside, and groups without room that it passes over. */
export const MAX_STEPS_ASIDE = 1_000;
