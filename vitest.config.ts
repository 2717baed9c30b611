import { defineConfig } from 'vitest/config';

/** `.ci/run` counts tests from this file; see there. */
const json = process.env.TEST_RESULTS_JSON;

export default defineConfig({
  // vite leaves .cts files as they are.
  oxc: { include: /\.[cm]?ts$/ },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/fixtures/**', '**/node_modules/**'],
    // Sockets and fds belong to a process: every file gets its own, and its tests run one after the other.
    pool: 'forks',
    isolate: true,
    maxWorkers: 2,
    sequence: { concurrent: false },
    testTimeout: 20_000,
    hookTimeout: 30_000,
    typecheck: {
      enabled: true,
      checker: 'tsc',
      include: ['test/types/**/*.test-d.ts'],
      tsconfig: './test/types/tsconfig.json',
    },
    reporters: ['default', ...(json ? ['json'] : []), './test/support/skips-reporter.ts'],
    ...(json ? { outputFile: { json } } : {}),
  },
});
