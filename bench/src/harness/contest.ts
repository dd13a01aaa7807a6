/** What a run of a contender tells, by the key of the measure. */
export type Figures = Readonly<Record<string, number>>;

/** What a contender is asked to do; the parent sends it to the contender's process. */
export interface Task {
  readonly work: string;
  /** A Redis of this run, empty. */
  readonly redisUrl: string;
  /** An empty folder of this run. */
  readonly folder: string;
  readonly parameters: Readonly<Record<string, number | string>>;
}

export interface Contender {
  readonly name: string;
  /** `bench/src/MODULE.ts`, which calls `compete`. */
  readonly module: string;
  /** Of its command line. */
  readonly arguments?: readonly string[];
  /** Beside those of the contest. */
  readonly parameters?: Task['parameters'];
  /** The ratio to the base that it should reach. Only Portolan's have one. */
  readonly aim?: number | undefined;
  /** Instead of the contest's base. */
  readonly against?: string;
  /** No peer but a measure of what is possible: to be slower is no defeat. */
  readonly reference?: boolean;
  /** Is it Portolan? Then it is told when it is behind. */
  readonly own?: boolean;
}

export interface Measure {
  readonly key: string;
  readonly label: string;
  readonly better: 'more' | 'less';
}

/** What one contender's operations take more than another's, in processor time of their processes. */
export interface Part {
  readonly label: string;
  readonly of: string;
  /** Without one, all of it. */
  readonly less?: string;
}

/** The same work for each contender. The ratios are to `base`, by the first measure. */
export interface Contest {
  readonly title: string;
  readonly work: string;
  readonly parameters: Task['parameters'];
  readonly contenders: readonly Contender[];
  readonly base: string;
  readonly measures: readonly Measure[];
  /** Where the time goes. */
  readonly parts?: readonly Part[];
  /** What a reader must know to judge the figures. */
  readonly note?: string;
}

export interface Result {
  readonly contest: Contest;
  /** By the contender's name, round by round. */
  readonly rounds: Readonly<Record<string, readonly Figures[]>>;
}

export const PER_SECOND: Measure = { key: 'perSecond', label: 'per second', better: 'more' };
export const CLIENT_CPU: Measure = { key: 'clientUs', label: 'µs CPU client', better: 'less' };
export const REDIS_CPU: Measure = { key: 'redisUs', label: 'µs CPU Redis', better: 'less' };
/** Of one operation. */
export const THROUGHPUT: readonly Measure[] = [PER_SECOND, CLIENT_CPU, REDIS_CPU];

export const LATENCY: readonly Measure[] = [
  { key: 'p50', label: 'ms p50', better: 'less' },
  { key: 'p99', label: 'ms p99', better: 'less' },
];

/** A round's figures of one measure. A contender that does not have it has none. */
export function valuesOf({ rounds }: Result, contender: string, { key }: Measure): number[] {
  return (rounds[contender] ?? []).flatMap((figures) => figures[key] ?? []);
}
