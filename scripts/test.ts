import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseRedis, isCi, NO_REDIS, redisProbes } from '../packages/testkit/src/choose-redis.ts';
import { summarize, type TestReport } from '../packages/testkit/src/test-report.ts';
import { root, turbo } from './turbo.ts';

/**
 * Runs every package's tests (`pnpm test --filter @portolan/core` those of one) and ends with one line that sums them. Arguments are turbo's;
 * those behind `--` are Vitest's.
 */
const given = process.argv.slice(2);
const forTurbo = given.includes('--') ? given.slice(0, given.indexOf('--')) : given;

const plan = await turbo(['run', 'test', ...forTurbo, '--dry=json'], 'collected');
if (plan.code !== 0) process.exit(plan.code);
const packages = plannedPackages(JSON.parse(plan.text));
const reportOf = (directory: string) => join(root, directory, 'test-report.json');
await Promise.all(packages.map(({ directory }) => rm(reportOf(directory), { force: true })));

const redisMissing = (await chooseRedis(redisProbes())).from === 'nowhere';
const { code } = await turbo(['run', 'test', '--continue', ...given], 'shown');

const reports = new Map<string, TestReport | undefined>();
for (const { name, directory } of packages) reports.set(name, await readReport(reportOf(directory)));
const { passed, failed, skipped, notes } = summarize(reports, code, redisMissing ? NO_REDIS : undefined);

const hint = redisMissing && isCi(process.env) && failed > 0 ? [NO_REDIS] : [];
process.exitCode = failed > 0 ? 1 : 0;
process.stdout.write(
  `${['', ...notes, ...hint, `${passed} passed, ${failed} failed, ${skipped} skipped`].join('\n')}\n`,
);

async function readReport(file: string): Promise<TestReport | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as TestReport;
  } catch {
    return undefined;
  }
}

function plannedPackages(dryRun: unknown): { readonly name: string; readonly directory: string }[] {
  const { tasks } = dryRun as { tasks: { package: string; directory: string; task: string; command: string }[] };
  return tasks
    .filter(({ task, command }) => task === 'test' && command !== '<NONEXISTENT>')
    .map((task) => ({ name: task.package, directory: task.directory }));
}
