import { defineConfig } from 'vitest/config';

/** One configuration for every package: text for a person, a JSON report that `scripts/test.ts` sums. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'src/**/*.test.ts'],
    reporters: ['default', ['json', { outputFile: 'test-report.json' }]],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    passWithNoTests: true,
  },
});
