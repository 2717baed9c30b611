/**
 * Lints the C++: clang-format (.clang-format), clang-tidy (.clang-tidy), and that native/binding.gyp names every source.
 *
 *   node scripts/lint-native.mjs             lint
 *   node scripts/lint-native.mjs --fix       format the files first
 *   node scripts/lint-native.mjs --install   only see that the tools are there
 *
 * The tools are those of LLVM 14, as Debian 12 has them: other versions format and warn differently. Where they are missing
 * they are installed, as root and with apt-get; where that cannot be, this says so and passes, but for --install.
 * A minute on two processors. What was clean and has not changed since is not linted again.
 */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { GYP_FILE, nativeTarget } from './native-target.mjs';
import { nodeIncludeDir } from './node-headers.js';

const LLVM = 14;
const PACKAGES = [`clang-format-${LLVM}`, `clang-tidy-${LLVM}`];
const root = fileURLToPath(new URL('..', import.meta.url));

function hasVersion(command) {
  const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  return status === 0 && new RegExp(`version ${LLVM}\\.`).test(stdout);
}

const find = (name) => [`${name}-${LLVM}`, name].find(hasVersion);
const toolsHere = () => find('clang-format') !== undefined && find('clang-tidy') !== undefined;

/** Why the tools cannot be had; undefined where they are here. */
function missingTools() {
  if (toolsHere()) return undefined;
  const aptGet = (...args) =>
    spawnSync('apt-get', args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  if (spawnSync('apt-get', ['--version']).error) return 'there is no apt-get on this machine';
  if (process.getuid() !== 0) return 'only root can install packages';
  const install = () => aptGet('install', '-y', '-q', '--no-install-recommends', ...PACKAGES).status === 0;
  // A new machine has no package lists yet, or old ones.
  if (!install() && aptGet('update', '-q').status === 0) install();
  return toolsHere() ? undefined : 'apt-get could not install them';
}

const filesIn = (folder, extension) =>
  fs
    .readdirSync(path.join(root, folder))
    .filter((name) => extension.test(name))
    .map((name) => `${folder}/${name}`);

function run(command, args) {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: root, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      // clang-tidy counts on stderr what it has suppressed.
      resolve(error ? `${stdout}${stdout === '' ? stderr : ''}` || String(error) : '');
    });
  });
}

/** Stands for all that the verdict follows from. */
function digest(files) {
  const hash = createHash('sha256');
  for (const file of [...files, GYP_FILE, '.clang-format', '.clang-tidy', 'scripts/lint-native.mjs']) {
    hash.update(`${file}\0`).update(fs.readFileSync(path.join(root, file)));
  }
  return hash.update(process.version).digest('hex');
}

/** What `lint` says of each file, as many at a time as there are processors. */
async function each(files, lint) {
  const queue = [...files];
  const found = [];
  const work = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) found.push(await lint(file));
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, work));
  return found.filter((text) => text !== '');
}

async function lint() {
  const folders = ['native', 'native/linux', 'test/kernel/sanitize'];
  const sources = folders.flatMap((folder) => filesIn(folder, /\.cc$/));
  const all = folders.flatMap((folder) => filesIn(folder, /\.(cc|h)$/));
  const stamp = path.join(root, 'build', 'lint-native.clean');
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === digest(all)) return [];
  const { sources: built, defines, cflags_cc: flags } = nativeTarget();

  const unbuilt = sources.filter((file) => file.startsWith('native/') && !built.includes(file));
  const gone = built.filter((file) => !sources.includes(file));
  const problems = [
    ...unbuilt.map((file) => `${GYP_FILE} does not name ${file}`),
    ...gone.map((file) => `${GYP_FILE} names ${file}, which is not there`),
  ];

  const fix = process.argv.includes('--fix');
  problems.push(
    ...(await each([all], (files) =>
      run(find('clang-format'), fix ? ['-i', ...files] : ['--dry-run', '-Werror', ...files]),
    )),
  );

  const includes = [createRequire(import.meta.url)('node-addon-api').include_dir, nodeIncludeDir()];
  if (includes[1] === undefined) throw new Error("Node's headers are not here yet: npm run build:native fetches them");
  const compile = [
    ...flags,
    ...defines.map((define) => `-D${define}`),
    ...includes.flatMap((dir) => ['-isystem', dir]),
  ];
  problems.push(...(await each(sources, (file) => run(find('clang-tidy'), ['--quiet', file, '--', ...compile]))));
  if (problems.length === 0) {
    fs.mkdirSync(path.dirname(stamp), { recursive: true });
    fs.writeFileSync(stamp, digest(all));
  }
  return problems;
}

const why = missingTools();
if (why !== undefined) {
  console.error(`!! NOT LINTED HERE: the C++. ${PACKAGES.join(' and ')} are missing, and ${why}.`);
  process.exitCode = process.argv.includes('--install') ? 1 : 0;
} else if (!process.argv.includes('--install')) {
  const problems = await lint();
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
