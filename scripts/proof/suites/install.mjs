// Puts a public package, its tests and what they need into a folder beside the temporary files: from npm where the tarball
// holds the tests, else from a checkout. Nothing of it comes into this repository. Install scripts do not run.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { environmentOfAUser } from '../../npm-cache.mjs';

/** Not in ~/.cache: servers of static files refuse paths with a dot. */
const installed = path.join(os.tmpdir(), 'close-wait-guard-suites');

/** What a suite does not need to run: linters, type tests, documentation, browsers. */
const NOT_NEEDED =
  /eslint|neostandard|prettier|tsd$|tstyche|husky|lint-staged|markdownlint|^c8$|^nyc$|^xo$|commitlint|release|typedoc|karma|puppeteer|playwright|^concurrently$|branch-comparer|wtr|^@web\/|docsify|^benchmark$|climem/;

/** @returns the folder and what is in it: `fastify@5.12.8`, `ws@a2f4e7c`; undefined without a checkout to take it from. */
export function installSuite(suite, checkouts) {
  const source = suite.npm ? { label: suite.npm } : checkoutOf(suite, checkouts);
  if (!source) return undefined;
  const folder = path.join(installed, source.label.replaceAll(/[^\w.@-]/g, '-'));
  if (!fs.existsSync(path.join(folder, '.installed'))) {
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(folder, { recursive: true });
    if (suite.npm) unpack(suite.npm, folder);
    else must('cp', ['-r', `${source.folder}/.`, folder]);
    prepare(suite, folder);
    fs.writeFileSync(path.join(folder, '.installed'), '');
  }
  return { folder, label: source.label };
}

/** A checkout is a folder named as the suite is, in the folder that holds them all. */
function checkoutOf(suite, checkouts) {
  const folder = checkouts && path.join(checkouts, suite.checkout ?? suite.name);
  if (!folder || !fs.existsSync(folder)) return undefined;
  const commit = spawnSync('git', ['-C', folder, 'rev-parse', '--short=10', 'HEAD'], { encoding: 'utf8' });
  return { folder, label: `${suite.name}@${commit.stdout.trim() || 'unknown'}` };
}

function unpack(spec, folder) {
  const tarball = must('npm', ['pack', spec, '--silent', '--pack-destination', folder], folder)
    .trim()
    .split('\n')
    .at(-1);
  must('tar', ['xzf', path.join(folder, tarball), '--strip-components=1', '-C', folder], folder);
  fs.rmSync(path.join(folder, tarball));
}

function prepare(suite, folder) {
  const home = path.join(folder, suite.folder ?? '');
  const file = path.join(home, 'package.json');
  const manifest = JSON.parse(fs.readFileSync(file, 'utf8'));
  const wanted = Object.entries(manifest.devDependencies ?? {}).filter(([name]) => !NOT_NEEDED.test(name));
  // Else npm takes the whole monorepo for the project.
  if (suite.folder) fs.rmSync(path.join(folder, 'package.json'), { force: true });
  const omitted = new Set(suite.omit ?? []);
  manifest.devDependencies = { ...Object.fromEntries(wanted.filter(([name]) => !omitted.has(name))), ...suite.add };
  for (const script of ['prepare', 'postinstall', 'prepublish']) delete manifest.scripts?.[script];
  delete manifest.workspaces;
  fs.writeFileSync(file, JSON.stringify(manifest, null, 2));
  for (const lock of ['package-lock.json', 'npm-shrinkwrap.json']) fs.rmSync(path.join(home, lock), { force: true });
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--legacy-peer-deps'];
  must('npm', ['install', ...flags, '--loglevel=error', '--include=dev'], home);
  for (const [command, ...rest] of suite.build ?? []) must(command, rest, home);
}

/** @throws Error with the command's last words */
function must(command, args, cwd) {
  const options = { cwd, env: environmentOfAUser(), encoding: 'utf8', timeout: 400_000, maxBuffer: 1 << 28 };
  const ran = spawnSync(command, args, options);
  if (ran.status === 0) return ran.stdout;
  const said = `${ran.stdout ?? ''}${ran.stderr ?? ''}`.trim().slice(-2000);
  throw new Error(`${command} ${args.join(' ')}: ${said || ran.error}`);
}
