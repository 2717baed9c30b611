/**
 * Builds the binaries that the package carries into prebuilds/, all on one machine: for x64 and arm64, with glibc from 2.17 on
 * and with musl. `npm pack` runs it; it fails where one of them cannot be built, rather than pack less.
 *
 *   npm run build:prebuilds
 *   npm run build:prebuilds -- --fresh            compiles again what it has compiled before
 *   PREBUILDS=here npm pack                       without the compiler: this machine's own, for this platform alone
 *
 * The same sources, flags and compiler give the same bytes, in any folder: so what was built once is kept in the user's cache.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { GYP_FILE, nativeTarget } from './native-target.mjs';
import { cacheFolder } from './npm-cache.mjs';
import { INTEGRITY, zig } from './zig.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/** By the folder and the name under which the loader looks for each. */
export const TARGETS = [
  { triple: 'x86_64-linux-gnu.2.17', platform: 'linux-x64', libc: 'glibc' },
  { triple: 'x86_64-linux-musl', platform: 'linux-x64', libc: 'musl' },
  { triple: 'aarch64-linux-gnu.2.17', platform: 'linux-arm64', libc: 'glibc' },
  { triple: 'aarch64-linux-musl', platform: 'linux-arm64', libc: 'musl' },
].map((target) => ({ ...target, file: `${target.platform}/close-wait-guard.${target.libc}.node` }));

/** Of Node-API alone, from npm: they are the same on every machine, which those of the running Node are not. */
const HEADERS = ['node-api-headers', 'node-addon-api'].map((name) => {
  const { include_dir: folder, version } = require(name);
  // One of them gives a path for a shell, from the folder in which it is asked.
  return {
    folder: path.resolve(folder.replace(/^"|"$/g, '')),
    version: version ?? require(`${name}/package.json`).version,
  };
});

const OPTIMISED = ['-Os', '-flto', '-Wl,--gc-sections', '-s'];
/** Node.js has symbols of a C++ library, too: those in a binary are neither seen by others nor replaced by theirs. */
const EXPORTS = 'native/exports.map';
/** Full RELRO: all symbols are bound when it is loaded, and what they are bound to is then read-only. */
const HARDENED = ['-Wl,-z,now', '-Wl,-z,relro', '-fstack-protector-strong', '-D_FORTIFY_SOURCE=2'];

/** Builds one target into a file. @param from a folder with the sources in it @param scratch see zig() */
export function buildTarget(target, out, { from = root, scratch } = {}) {
  const headers = HEADERS.flatMap(({ folder }) => [`-ffile-prefix-map=${folder}=`, '-isystem', folder]);
  zig(['c++', ...flagsFor(target), ...headers, '-o', out, ...nativeTarget().sources], { cwd: from, scratch });
}

function flagsFor({ triple }) {
  const { defines, cflags, cflags_cc: flags, name } = nativeTarget();
  const defined = [`NODE_GYP_MODULE_NAME=${name}`, 'BUILDING_NODE_EXTENSION', ...defines];
  const shape = ['-target', triple, '-shared', '-fPIC', `-Wl,--version-script=${EXPORTS}`, ...OPTIMISED, ...HARDENED];
  return [...shape, ...cflags, ...flags, ...defined.map((define) => `-D${define}`)];
}

/** Stands for everything that the bytes follow from. */
function digest() {
  const own = fs
    .readdirSync(path.join(root, 'native'), { recursive: true })
    .filter((file) => /^(?!build\/).*\.(cc|h)$/.test(file));
  const files = [GYP_FILE, EXPORTS, ...own.map((file) => `native/${file}`).sort()];
  const hash = createHash('sha256').update(
    JSON.stringify([INTEGRITY, HEADERS.map(({ version }) => version), TARGETS.map(flagsFor)]),
  );
  for (const file of files) hash.update(`${file}\0`).update(fs.readFileSync(path.join(root, file)));
  return hash.digest('hex').slice(0, 16);
}

/** The folder of the cache that has all of them. */
export function prebuilds({ fresh = false } = {}) {
  const folder = path.join(cacheFolder(), `prebuilds-${digest()}`);
  if (fresh) fs.rmSync(folder, { recursive: true, force: true });
  if (fs.existsSync(folder)) return folder;
  fs.mkdirSync(cacheFolder(), { recursive: true });
  const work = fs.mkdtempSync(`${folder}.`);
  // A temporary folder is its owner's alone, and what is copied from it would be, too.
  fs.chmodSync(work, 0o755);
  try {
    for (const target of TARGETS) {
      const started = performance.now();
      const out = path.join(work, target.file);
      fs.mkdirSync(path.dirname(out), { recursive: true });
      buildTarget(target, out);
      fs.chmodSync(out, 0o644);
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      console.error(`${target.triple}: ${fs.statSync(out).size} bytes, ${seconds} s`);
    }
    if (!fs.existsSync(folder)) fs.renameSync(work, folder);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** What node-gyp builds here, under the name of this platform. */
function buildHere() {
  const { status } = spawnSync(process.execPath, [path.join(root, 'scripts/build-native.js')], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the addon could not be built');
  const libc = process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
  const out = path.join(root, 'prebuilds', `linux-${process.arch}`, `close-wait-guard.${libc}.node`);
  fs.mkdirSync(path.dirname(out), { recursive: true });
  fs.copyFileSync(path.join(root, 'build/Release/close_wait_guard.node'), out);
  console.error(
    `PREBUILDS=here: the package will carry ${path.relative(root, out)} and no other binary. Do not publish it.`,
  );
}

/** Of what is compiled into them beside our own: MIT asks that its text goes along, libc++'s licence asks for nothing of a binary. */
function writeNotice() {
  const texts = ['node-addon-api', 'node-api-headers'].map((name) => {
    const folder = path.dirname(require.resolve(`${name}/package.json`));
    const file = fs.readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    return `${name} ${require(`${name}/package.json`).version}\n\n${fs.readFileSync(path.join(folder, file), 'utf8').trim()}`;
  });
  const others = 'libc++, libc++abi and compiler-rt of LLVM 16: Apache-2.0 WITH LLVM-exception';
  const head = 'The binaries in this folder contain parts of:';
  fs.writeFileSync(path.join(root, 'prebuilds', 'NOTICE.txt'), `${[head, others, ...texts].join('\n\n')}\n`);
}

function main() {
  fs.rmSync(path.join(root, 'prebuilds'), { recursive: true, force: true });
  if (process.env.PREBUILDS === 'here') return buildHere();
  if (process.env.PREBUILDS) throw new Error(`PREBUILDS may be here, and is ${process.env.PREBUILDS}`);
  fs.cpSync(prebuilds({ fresh: process.argv.includes('--fresh') }), path.join(root, 'prebuilds'), { recursive: true });
  writeNotice();
}

if (import.meta.filename === fs.realpathSync(process.argv[1] ?? os.devNull)) {
  try {
    main();
  } catch (error) {
    console.error(`build-prebuilds: ${error.message}`);
    console.error('build-prebuilds: no package without all its binaries. For one to try here: PREBUILDS=here npm pack');
    process.exitCode = 1;
  }
}
