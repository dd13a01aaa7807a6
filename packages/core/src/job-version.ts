import { invalid, PortolanError } from './errors.ts';
import type { JobDefinition } from './job.ts';

/** Turns a job's data of one version into that of the next. It gets what was stored then, unchecked; what comes of the last step is parsed as the input. */
export type Upgrade = (data: unknown) => unknown;

/** By the version that each starts from. Without a gap up to the present one; older versions than the first fail. */
export type Upgrades = Readonly<Record<number, Upgrade>>;

/** Checks the version of a definition and its upgrades. Throws INVALID naming `what`. */
export function checkVersion(version: number, upgrade: Upgrades, what: string): number {
  if (!isVersion(version)) throw invalid(`${what}: version must be a whole number from 1`);
  const known = Object.keys(upgrade).map(Number);
  const first = version - known.length;
  const gap = known.find((from) => !(Number.isInteger(from) && from >= first && from >= 1 && from < version));
  if (gap === undefined) return version;
  throw invalid(`${what}: upgrade must hold a step for each version from its first up to ${version - 1}, and no other`);
}

export function isVersion(version: unknown): version is number {
  return Number.isSafeInteger(version) && (version as number) >= 1;
}

/** The data of a job that was enqueued under `from`, as of its definition's version. Throws INVALID, which ends the job, when a step fails or there is none. */
export async function upgradeData(
  { name, version, upgrade }: JobDefinition,
  from: number,
  data: unknown,
): Promise<unknown> {
  let upgraded = data;
  for (let step = from; step < version; step += 1) {
    const run = upgrade[step];
    if (!run) throw invalid(`job ${name}: there is no upgrade from version ${step}`);
    try {
      upgraded = await run(upgraded);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new PortolanError('INVALID', `job ${name}: the upgrade from version ${step} failed: ${reason}`, { cause });
    }
  }
  return upgraded;
}
