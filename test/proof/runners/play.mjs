// Runs a test runner for real on the application of test/fixtures/default-app, with the snippet that docs/testing.md has for it.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, environmentOfAUser, nodeBinary } from '../../../scripts/npm-cache.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const fixtures = path.join(root, 'test/fixtures');
const NOT_ENDED_MS = 120_000;
const MODULES = { NODE_OPTIONS: '--experimental-vm-modules --no-warnings' };

/** What each is started with, in the project's folder; `snippet` is the heading of its snippet, `tests` its file of tests. */
const PLAYS = {
  vitest: { snippet: 'vitest', tests: 'vitest.test.mjs', args: ['node_modules/vitest/vitest.mjs', 'run'] },
  vitestKnown: {
    ...{ snippet: 'Known leaks', config: 'vitest', tests: 'vitest-known.test.mjs' },
    args: ['node_modules/vitest/vitest.mjs', 'run'],
  },
  jest: { snippet: 'jest', tests: 'jest.test.cjs', as: 'uploads.test.js', args: ['node_modules/jest/bin/jest.js'] },
  jestModules: {
    ...{ snippet: 'jest', tests: 'jest.test.mjs', as: 'uploads.test.js', type: 'module', env: MODULES },
    args: ['node_modules/jest/bin/jest.js'],
  },
  nodeTest: { snippet: 'node:test', tests: 'node.test.mjs', args: [], after: ['--test-reporter=spec'] },
  mocha: { snippet: 'mocha', tests: 'mocha.test.mjs', args: ['node_modules/mocha/bin/mocha.js', 'mocha.test.mjs'] },
  tap: { snippet: 'tap', tests: 'tap.test.mjs', args: ['tap.test.mjs'] },
  playwright: {
    ...{ snippet: 'Playwright Test', tests: 'playwright.test.mjs', type: 'module' },
    args: ['node_modules/@playwright/test/cli.js', 'test', '--reporter=list'],
  },
};

/**
 * @returns a promise of what was `printed`, the `red` and `green` tests, `first`: what kind of failure is told first ('leak', or its line),
 *   `seconds` and `ended`: whether the run ended by itself
 * @throws Error with npm's words
 */
export async function play(row) {
  const what = PLAYS[row.play];
  const home = row.spec === undefined ? root : installed(row.spec);
  const node = row.node === undefined ? process.execPath : nodeBinary(row.node);
  const parent = path.join(home, '.scratch');
  fs.mkdirSync(parent, { recursive: true });
  const work = fs.mkdtempSync(path.join(parent, 'runner-'));
  try {
    const project = projectIn(work, what);
    const args = what.args.map((arg) => arg.replace(/^(?=node_modules\/)/, `${home}/`));
    const command = what.snippet === 'node:test' ? shellWords(snippets()['node:test'].code).slice(1) : [];
    const startedAt = performance.now();
    const outcome = await new Promise((resolve) => {
      const options = {
        cwd: project,
        env: { ...environmentOfAUser(), NO_COLOR: '1', CI: '1', ...what.env },
        timeout: NOT_ENDED_MS,
        maxBuffer: 1 << 26,
      };
      execFile(node, [...command, ...args, ...(what.after ?? [])], options, (error, stdout, stderr) => {
        // Those that print to both print their failures to one of them.
        resolve({ printed: `${stdout}\n${stderr}`, ended: !error?.killed });
      });
    });
    const seconds = (performance.now() - startedAt) / 1_000;
    const { printed } = outcome;
    return { ...outcome, ...verdictsIn(printed), first: firstFailure(printed), seconds };
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** The fixture, the snippets in their places, and the built package in node_modules, as npm would put it there. */
function projectIn(work, { snippet, config, tests, as = tests, type }) {
  const project = path.join(work, 'default-app');
  fs.cpSync(path.join(fixtures, 'shop'), path.join(work, 'shop'), { recursive: true });
  fs.mkdirSync(project);
  fs.copyFileSync(path.join(fixtures, 'default-app/app.cjs'), path.join(project, 'app.cjs'));
  const own = path.join(project, 'node_modules/close-wait-guard');
  for (const file of ['package.json', 'dist', 'build/Release/close_wait_guard.node'])
    fs.cpSync(path.join(root, file), path.join(own, file), { recursive: true });
  fs.writeFileSync(path.join(project, 'package.json'), JSON.stringify({ private: true, ...(type && { type }) }));
  fs.writeFileSync(path.join(project, 'app.js'), "export { build } from './app.cjs';\n");
  let text = fs.readFileSync(path.join(fixtures, 'default-app', tests), 'utf8');
  const all = snippets();
  for (const heading of [snippet, config].filter(Boolean)) {
    const { file, code } = all[heading];
    if (file !== undefined) fs.writeFileSync(path.join(project, file), code);
    else text = text.replace(`/* docs/testing.md: ${heading} */\n`, () => code);
  }
  fs.writeFileSync(path.join(project, as), text);
  return project;
}

/** What docs/testing.md says to write, by heading; `file` where its first line says how the file is called. */
export function snippets() {
  const page = fs.readFileSync(path.join(root, 'docs/testing.md'), 'utf8');
  const found = {};
  for (const [, heading, body] of page.matchAll(/^### (.*)\n([^]*?)(?=^##)/gm)) {
    const block = /^```\w+ runner\n([^]*?)^```$/m.exec(body);
    if (block) found[heading] = { code: block[1], file: /^\/\/ ([\w.-]+)\n/.exec(block[1])?.[1] };
  }
  return found;
}

const shellWords = (line) => line.trim().split(/\s+/);

function installed(spec) {
  const { dependencies, devDependencies } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const ours = Object.entries({ ...dependencies, fastify: devDependencies.fastify });
  // As scripts/install-runner.mjs does.
  return cached(`runner-${spec.replaceAll('/', '-')}`, [spec, ...ours.map(([name, range]) => `${name}@${range}`)]);
}

/** All that a run has to be, and this one is not. */
export function faultsOf(row, { red, green, first, seconds, ended, printed }) {
  const { leaks, innocent } = row.play === 'vitestKnown' ? KNOWN : TESTS;
  return [
    !ended && 'it did not end by itself',
    seconds > (row.mostS ?? MOST_S) && `it took ${seconds.toFixed(0)} s`,
    first !== 'leak' && `what is printed first is ${first}`,
    red.join() !== leaks.join() && `red: ${red.join(', ') || 'nothing'}`,
    innocent.some((name) => !green.includes(name)) && `green: ${green.join(', ') || 'nothing'}`,
    !printed.includes('POST /items/:id (http:') && 'its route is not named',
  ].filter(Boolean);
}

const MOST_S = 20;
/** What test/fixtures/default-app has. */
const TESTS = {
  leaks: ['takes an upload'],
  innocent: ['lists all', 'lists again', 'lists more', 'lists less', 'lists last'],
};
const KNOWN = {
  leaks: ['takes an upload', 'asserts it by itself', 'leaks, and does not know it'],
  innocent: ['leaks, and knows it', 'leaks what is ignored', 'expects it'],
};

const RED = /^\s*(?:×|✕|✖|✘|\d+\)|not ok \d+ -)\s/;
const GREEN = /^\s*(?:✓|✔|ok \d+ -)\s/;

/** A test that is named on a red line is red, whatever else is said of it (mocha calls one passed before its hooks run). */
function verdictsIn(printed) {
  const lines = printed.split('\n');
  const names = [TESTS, KNOWN].flatMap(({ leaks, innocent }) => [...leaks, ...innocent]);
  const named = (mark) =>
    [...new Set(names)].filter((name) => lines.some((line) => mark.test(line) && line.includes(name)));
  const red = named(RED);
  return { red, green: named(GREEN).filter((name) => !red.includes(name)) };
}

/** 'leak' where the first line that tells of a failure is the leak's. */
function firstFailure(printed) {
  const line = printed
    .split('\n')
    .find((each) => /error:|time-?out of \d|timed out|exceeded|leaked socket/i.test(each));
  return line === undefined ? 'nothing' : /1 leaked socket/.test(line) ? 'leak' : line.trim();
}
