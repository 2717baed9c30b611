import path from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import selection from './test/selection.json' with { type: 'json' };

/** `.ci/run` counts tests from this file; see there. */
const json = process.env.TEST_RESULTS_JSON;

/** The files that test/selection.json lists: folders, or single files. */
const [unit, long] = [selection.unit, selection.long].map((names) =>
  names.map((name) => (name.endsWith('.ts') ? name : `${name}/**/*.test.ts`)),
) as [string[], string[]];
const notTests = ['test/fixtures/**', 'test/corpus/**', '**/node_modules/**'];

/** A file that takes a minute and begins last has all the others wait for it. What a clone has never run, vitest cannot tell. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isSlow = ({ moduleId }: TestSpecification): boolean =>
      selection.slow.includes(path.relative(import.meta.dirname, moduleId));
    const sorted = await super.sort(files);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

export default defineConfig({
  // vite leaves .cts files as they are.
  oxc: { include: /\.[cm]?ts$/ },
  test: {
    // Sockets and fds belong to a process: every file gets its own, and its tests run one after the other.
    pool: 'forks',
    isolate: true,
    // They wait for deadlines more than they compute.
    maxWorkers: 3,
    sequence: { concurrent: false, sequencer: SlowFirst },
    testTimeout: 60_000,
    hookTimeout: 90_000,
    reporters: ['default', ...(json ? ['json'] : []), './test/support/skips-reporter.ts'],
    ...(json ? { outputFile: { json } } : {}),
    projects: [
      // No sockets, no child processes, no build: `npm run test:unit`.
      { extends: true, test: { name: 'unit', include: unit, exclude: notTests } },
      // What is packed and installed, the test runners and every version of them, and a browser: `npm run test:long`, and so .ci/run.
      { extends: true, test: { name: 'long', include: long, exclude: notTests } },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: [...notTests, ...unit, ...long],
          typecheck: {
            enabled: true,
            checker: 'tsc',
            include: ['test/tooling/types/**/*.test-d.ts'],
            tsconfig: './test/tooling/types/tsconfig.json',
          },
        },
      },
    ],
  },
});
