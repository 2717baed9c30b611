// How each test runner is started, and how its outcomes are read: a test is { file, name, outcome } and, where the runner
// tells, when it ran.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const reporter = (name) => fileURLToPath(new URL(`reporters/${name}`, import.meta.url));

/** `outcomes` is the file that the runner writes, if it writes one; `output` what it printed. */
export const RUNNERS = {
  'node-test': {
    command: ({ node, suite, files, outcomes }) => [
      node,
      ...(suite.nodeArguments ?? []),
      '--test',
      `--test-concurrency=${suite.concurrency ?? 2}`,
      `--test-reporter=${reporter('node-test.mjs')}`,
      `--test-reporter-destination=${outcomes}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      ...(suite.arguments ?? []),
      ...files,
    ],
    read: ({ outcomes }) => jsonLines(outcomes),
  },
  mocha: {
    command: ({ node, folder, suite, files }) => [
      node,
      ...(suite.nodeArguments ?? []),
      inPackage(folder, 'mocha', 'bin/_mocha', 'bin/_mocha.js', 'bin/mocha.js'),
      '--reporter',
      reporter('mocha.cjs'),
      ...(suite.arguments ?? []),
      ...files,
    ],
    read: ({ outcomes }) => jsonLines(outcomes),
  },
  vitest: {
    command: ({ node, folder, suite, outcomes }) => [
      node,
      inPackage(folder, 'vitest', 'vitest.mjs'),
      'run',
      '--reporter=json',
      `--outputFile=${outcomes}`,
      ...(suite.arguments ?? []),
    ],
    read: ({ outcomes }) => fromJest(outcomes),
  },
  jest: {
    command: ({ node, folder, suite, outcomes }) => [
      node,
      ...(suite.nodeArguments ?? []),
      inPackage(folder, 'jest', 'bin/jest.js'),
      '--json',
      `--outputFile=${outcomes}`,
      ...(suite.arguments ?? []),
    ],
    read: ({ outcomes }) => fromJest(outcomes),
  },
  ava: {
    command: ({ node, folder, suite, files }) => [
      node,
      inPackage(folder, 'ava', 'entrypoints/cli.mjs'),
      '--tap',
      ...(suite.arguments ?? []),
      ...files,
    ],
    read: ({ output }) => fromTap(output),
  },
  lab: {
    command: ({ node, folder, suite, outcomes }) => [
      node,
      inPackage(folder, '@hapi/lab', 'bin/lab'),
      ...['-r', 'json', '-o', outcomes],
      ...(suite.arguments ?? []),
    ],
    read: ({ outcomes }) => fromLab(outcomes),
  },
};

function inPackage(folder, name, ...candidates) {
  const root = path.join(folder, 'node_modules', name);
  const found = candidates.map((file) => path.join(root, file)).find((file) => fs.existsSync(file));
  if (!found) throw new Error(`${name} is not installed in ${folder}`);
  return found;
}

function jsonLines(file) {
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

const JEST_WORDS = { passed: 'passed', failed: 'failed' };

function fromJest(file) {
  if (!fs.existsSync(file)) return [];
  return JSON.parse(fs.readFileSync(file, 'utf8')).testResults.flatMap((one) => {
    const [start, end] = [one.startTime, one.endTime];
    // A file that would not load has no tests.
    const broken = one.assertionResults.length === 0 && one.status === 'failed';
    if (broken) return [{ file: one.name, name: '(the file)', outcome: 'failed', why: one.message, start, end }];
    return one.assertionResults.map((test) => ({
      file: one.name,
      name: test.fullName,
      outcome: JEST_WORDS[test.status] ?? 'skipped',
      why: test.failureMessages?.[0],
      start,
      end,
    }));
  });
}

/** ava names the file before the test, unless there is only one. */
function fromTap(output) {
  const tests = [];
  for (const [, not, name, directive] of output.matchAll(/^(not )?ok \d+ - (.*?)(?: # (SKIP|TODO).*)?$/gm)) {
    const [file, ...rest] = name.split(' › ');
    const outcome = directive ? 'skipped' : not ? 'failed' : 'passed';
    tests.push({ file: rest.length > 0 ? file : '', name: rest.join(' › ') || name, outcome });
  }
  return tests;
}

function fromLab(file) {
  if (!fs.existsSync(file)) return [];
  const { tests } = JSON.parse(fs.readFileSync(file, 'utf8'));
  return Object.entries(tests).flatMap(([group, all]) =>
    all.map((test) => {
      const outcome = test.err ? 'failed' : test.skipped ? 'skipped' : 'passed';
      return { file: '', name: `${group} ${test.title}`, outcome, why: test.err?.message ?? undefined };
    }),
  );
}
