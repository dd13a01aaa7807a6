import { describe, expect, it } from 'vitest';
import { summarize, type TestReport } from '../src/test-report.ts';

type File = TestReport['testResults'][number];
const file = (cases: File['assertionResults'], message = ''): File => ({
  name: '/project/a.test.ts',
  status: message || cases.some(({ status }) => status === 'failed') ? 'failed' : 'passed',
  message,
  assertionResults: cases,
});
const report = (file: File): TestReport => ({
  success: file.status === 'passed',
  numPassedTests: file.assertionResults.filter(({ status }) => status === 'passed').length,
  numFailedTests: file.assertionResults.filter(({ status }) => status === 'failed').length,
  testResults: [file],
});
const passing = report(file([{ fullName: 'adds', status: 'passed' }]));

describe('summarize', () => {
  it('sums the reports of all packages', () => {
    const reports = new Map([
      ['one', passing],
      ['two', passing],
    ]);
    expect(summarize(reports, 0)).toEqual({ passed: 2, failed: 0, skipped: 0, notes: [] });
  });

  it('names a case that failed, with the first line of its message', () => {
    const failing = report(
      file([{ fullName: 'adds > twice', status: 'failed', failureMessages: ['expected 1 to be 2\n    at a.test.ts'] }]),
    );
    expect(summarize(new Map([['one', failing]]), 1)).toMatchObject({
      failed: 1,
      notes: ['failed: one: /project/a.test.ts: adds > twice: expected 1 to be 2'],
    });
  });

  it('counts a package without a report, a file that could not run and a run that failed for no case', () => {
    const reports = new Map([
      ['gone', undefined],
      ['broken', report(file([], 'cannot find module\nstack'))],
      ['ended', { ...passing, success: false }],
    ]);
    expect(summarize(reports, 1)).toEqual({
      passed: 1,
      failed: 3,
      skipped: 0,
      notes: [
        'failed: gone: no test report was written',
        'failed: broken: /project/a.test.ts: cannot find module',
        'failed: ended: failed outside its cases',
      ],
    });
    expect(summarize(new Map([['one', passing]]), 2).notes).toEqual(['failed: turbo ended with code 2']);
  });

  it('says why cases were skipped: their own reason, or what is known of the run', () => {
    const skipping = report(
      file([
        { fullName: 'on Linux (skipped: no such system)', status: 'skipped' },
        { fullName: 'on Redis', status: 'pending' },
      ]),
    );
    expect(summarize(new Map([['one', skipping]]), 0, 'no Redis').notes).toEqual([
      '1 skipped: no such system',
      '1 skipped: no Redis',
    ]);
  });
});
