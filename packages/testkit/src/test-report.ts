/** The parts of Vitest's JSON report that are summed. */
export interface TestReport {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, each with the first line of its message, and why cases were skipped. */
  readonly notes: readonly string[];
}

const REASON = /\(skipped: (.+)\)/;

/**
 * Sums the reports of all packages. A package without a report, a file that could not run, and a run that failed without a failed
 * case count as one failure each, so that nothing broken passes. `unexplained` is the reason of skipped cases that name none.
 */
export function summarize(
  reports: ReadonlyMap<string, TestReport | undefined>,
  exitCode: number,
  unexplained = 'no reason given',
): Summary {
  let [passed, failed, skipped] = [0, 0, 0];
  const cases: string[] = [];
  const broken: string[] = [];
  const reasons = new Map<string, number>();
  for (const [name, report] of reports) {
    if (!report) {
      broken.push(`${name}: no test report was written`);
      continue;
    }
    passed += report.numPassedTests;
    failed += report.numFailedTests;
    const files = report.testResults.filter(
      (file) => file.status === 'failed' && !file.assertionResults.some((one) => one.status === 'failed'),
    );
    for (const file of files) broken.push(`${name}: ${file.name}: ${firstLine(file.message)}`);
    if (!report.success && report.numFailedTests === 0 && files.length === 0)
      broken.push(`${name}: failed outside its cases`);
    for (const file of report.testResults) {
      for (const one of file.assertionResults) {
        if (one.status === 'failed')
          cases.push(`${name}: ${file.name}: ${one.fullName}: ${firstLine(one.failureMessages?.[0] ?? 'no message')}`);
        if (one.status === 'passed' || one.status === 'failed') continue;
        skipped += 1;
        const otherwise = files.includes(file) ? 'the file or its set-up failed' : unexplained;
        const reason = REASON.exec(one.fullName)?.[1] ?? otherwise;
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }
    }
  }
  if (exitCode !== 0 && failed + broken.length === 0) broken.push(`turbo ended with code ${exitCode}`);
  return {
    passed,
    failed: failed + broken.length,
    skipped,
    notes: [
      ...[...cases, ...broken].map((one) => `failed: ${one}`),
      ...[...reasons].map(([why, n]) => `${n} skipped: ${why}`),
    ],
  };
}

const firstLine = (text: string) => text.split('\n', 1)[0];
