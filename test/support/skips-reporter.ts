import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

/** Says at the very end, in words, which tests did not run here and why: a skipped test must not look like a passed one. */
export default class SkipsReporter implements Reporter {
  private filtered = false;

  onInit(vitest: Vitest): void {
    // With `-t <name>` every other test counts as skipped; nobody asked for those.
    this.filtered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(testModules: readonly TestModule[]): void {
    const lines = testModules
      .flatMap((module) => [...module.children.allTests('skipped')])
      .filter((test) => !this.filtered || reasonOf(test) !== undefined)
      .map((test) => `NOT TESTED HERE: ${test.fullName}: ${reasonOf(test) ?? 'no reason given'}`);
    if (lines.length > 0) process.stdout.write(`\n${lines.join('\n')}\n`);
  }
}

function reasonOf(test: TestCase): string | undefined {
  const result = test.result();
  return result.state === 'skipped' ? result.note : undefined;
}
