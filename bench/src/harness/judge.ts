import { CLIENT_CPU, type Contender, REDIS_CPU, type Result, valuesOf } from './contest.ts';
import { ratios, type Spread, spread } from './statistics.ts';

/** Whom a contender is compared with; undefined for the base itself. */
export function baseOf({ contest: { base } }: Result, { name, against = base }: Contender): string | undefined {
  return name === against ? undefined : against;
}

/** How many times better a contender is by the judged measure; undefined for the base itself, and for who has no figure of it. */
export function ratioOf(result: Result, contender: Contender, base = baseOf(result, contender)): Spread | undefined {
  const [judged] = result.contest.measures;
  if (!judged || base === undefined) return undefined;
  return spreadOf(ratios(valuesOf(result, contender.name, judged), valuesOf(result, base, judged), judged.better));
}

/** How many times less processor time an operation takes, client and Redis together: what else the machine does changes it less than the time. */
export function cpuRatioOf(result: Result, contender: Contender, base = baseOf(result, contender)): Spread | undefined {
  return base === undefined ? undefined : spreadOf(ratios(cpuOf(result, contender.name), cpuOf(result, base), 'less'));
}

export interface MeasuredPart extends Spread {
  readonly label: string;
}

/** µs of processor time that each part of an operation takes, round by round. */
export function partsOf(result: Result): MeasuredPart[] {
  return (result.contest.parts ?? []).map(({ label, of, less }) => {
    const other = less === undefined ? [] : cpuOf(result, less);
    return { label, ...spread(cpuOf(result, of).map((us, round) => us - (other[round] ?? 0))) };
  });
}

/**
 * A sentence for each of Portolan's contenders that is slower than its peer or does not reach what it aims at, and for each other peer, or other setting of the peer, that
 * is faster.
 */
export function behindOf(result: Result): string[] {
  return result.contest.contenders
    .filter((contender) => contender.own)
    .flatMap((contender) => {
      const base = baseOf(result, contender);
      const others = contender.against === undefined ? result.contest.contenders : [];
      const peers = others.filter(({ own, reference, name }) => !own && !reference && name !== base);
      return [
        ...(base === undefined ? [] : describe(result, contender, base, contender.aim ?? 1)),
        ...peers.flatMap(({ name }) => describe(result, contender, name, 1)),
      ];
    });
}

function describe(result: Result, contender: Contender, peer: string, aim: number): string[] {
  const ratio = ratioOf(result, contender, peer);
  if (!ratio || ratio.median >= Math.max(aim, 1)) return [];
  const cpu = cpuRatioOf(result, contender, peer);
  const told = `${contender.name} ${formatRatio(ratio)} of ${peer}${cpu ? `, by processor time ${formatRatio(cpu)}` : ''}`;
  if (ratio.median >= 1) return [`Ahead, short of the aim of ${aim}x: ${told}`];
  if (aim === 1) return [`Behind: ${told}`];
  return [
    aim < 1 && ratio.median >= aim
      ? `Behind, within the floor of ${aim}x: ${told}`
      : `Behind the aim of ${aim}x: ${told}`,
  ];
}

function formatRatio({ median, least, most }: Spread): string {
  return `${median.toFixed(2)}x (${least.toFixed(2)}–${most.toFixed(2)})`;
}

function cpuOf(result: Result, name: string): number[] {
  const redis = valuesOf(result, name, REDIS_CPU);
  return valuesOf(result, name, CLIENT_CPU).map((us, round) => us + (redis[round] ?? 0));
}

const spreadOf = (values: readonly number[]): Spread | undefined => (values.length > 0 ? spread(values) : undefined);
