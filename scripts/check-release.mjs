/**
 * What must be true of a package before it is published, as far as it can be seen without a network:
 *
 *   npm run check:release                                  packs first
 *   npm run check:release -- --tarball FILE.tgz --tag v1.2.3
 *
 * Prints each check, and exits with 1 when one fails. What the binaries do is `npm run check:binaries`, how the package installs
 * `npm run check:install`.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { pack } from './check-install/tarball.mjs';
import { run } from './npm-cache.mjs';

const root = path.join(import.meta.dirname, '..');
const { values: options } = parseArgs({ options: { tarball: { type: 'string' }, tag: { type: 'string' } } });

/** In bytes. More is a choice, to be made here. */
const MOST = { packed: 1_800_000, unpacked: 8_500_000, binaries: 1_200_000 };
const LICENCES = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'BlueOak-1.0.0'];

const read = (file) => fs.readFileSync(path.join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json'));

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-release-'));
let failed = 0;
try {
  const tarball = options.tarball ? path.resolve(options.tarball) : await pack(work);
  const checks = {
    versions,
    changelog,
    licences,
    'bill of materials (npm sbom)': sbom,
    'API report': () => tool('scripts/api-report.mjs', '--check'),
    sizes: () => sizes(tarball),
    contents: () => contents(tarball),
    publint: () => tool('node_modules/publint/src/cli.js', 'run', '--strict', tarball),
    // Nobody can require() vitest: there the ES module stands for both forms. vitest finds it so also where it looks for setup
    // files as require() does (Yarn PnP).
    // What resolves as Node 10 did knows no exports, and finds the schema where it lies: close-wait-guard/schema/v1.json.
    'are the types wrong': () => attw('--exclude-entrypoints', 'vitest', 'schema.json', '--', tarball),
    'are the types wrong, vitest': () =>
      attw('--entrypoints', 'vitest', '--ignore-rules', 'false-cjs', 'cjs-resolves-to-esm', '--', tarball),
  };
  for (const [name, check] of Object.entries(checks)) {
    try {
      console.log(`ok: ${name}: ${check()}`);
    } catch (error) {
      failed++;
      console.log(`FAILED: ${name}: ${error.message}`);
    }
  }
} finally {
  fs.rmSync(work, { recursive: true, force: true });
}
console.log(`\ncheck-release: ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** package.json, its lock and the tag are of one version. */
function versions() {
  const lock = JSON.parse(read('package-lock.json'));
  const seen = {
    'package.json': manifest.version,
    'package-lock.json': lock.version,
    'its root': lock.packages[''].version,
  };
  if (options.tag !== undefined) seen['the tag'] = options.tag.replace(/^v/, '');
  const others = Object.entries(seen).filter(([, version]) => version !== manifest.version);
  if (others.length > 0) throw new Error(others.map(([what, version]) => `${what} says ${version}`).join('; '));
  return manifest.version;
}

/** A release has a section with a date; what is not released yet has one of its own. */
function changelog() {
  const text = read('CHANGELOG.md');
  const wanted =
    options.tag === undefined
      ? /^## \[Unreleased\]$/m
      : new RegExp(`^## \\[${manifest.version}\\] - \\d{4}-\\d\\d-\\d\\d$`, 'm');
  const found = wanted.exec(text);
  if (!found) throw new Error(`CHANGELOG.md has no line ${wanted}`);
  const section = text
    .slice(found.index + found[0].length)
    .split(/^## /m)[0]
    .trim();
  if (section === '') throw new Error(`CHANGELOG.md says nothing under ${found[0]}`);
  return `${found[0].slice(3)}, ${section.split('\n').length} lines`;
}

/** Of what a user gets with us, or is told to bring. */
function licences() {
  const names = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];
  const seen = new Map();
  for (let at = 0; at < names.length; at++) {
    const { license, dependencies, version } = JSON.parse(read(`node_modules/${names[at]}/package.json`));
    seen.set(names[at], license);
    if (!LICENCES.includes(license)) throw new Error(`${names[at]} ${version} has the licence ${license}`);
    names.push(...Object.keys(dependencies ?? {}).filter((name) => !seen.has(name) && !names.includes(name)));
  }
  return `${seen.size} packages: ${Array.from(new Set(seen.values())).sort().join(', ')}`;
}

function sbom() {
  const text = run(
    'npm',
    ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--omit', 'peer', '--omit', 'optional'],
    root,
  );
  const { components, metadata } = JSON.parse(text);
  const names = components.map(({ name }) => name).sort();
  const wanted = Object.keys(manifest.dependencies).sort();
  if (metadata.component.version !== manifest.version) throw new Error(`it is of ${metadata.component.version}`);
  if (names.join() !== wanted.join()) throw new Error(`it names ${names.join(', ')} in place of ${wanted.join(', ')}`);
  return names.join(', ');
}

function sizes(tarball) {
  const files = list(tarball);
  const unpacked = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const binaries = files.filter(({ name }) => name.endsWith('.node')).reduce((sum, { bytes }) => sum + bytes, 0);
  const seen = { packed: fs.statSync(tarball).size, unpacked, binaries };
  const over = Object.keys(MOST).filter((what) => seen[what] > MOST[what]);
  if (over.length > 0)
    throw new Error(over.map((what) => `${what}: ${seen[what]} bytes, of at most ${MOST[what]}`).join('; '));
  return Object.entries(seen)
    .map(([what, bytes]) => `${what} ${(bytes / 1000).toFixed(0)} kB`)
    .join(', ');
}

/** All binaries, what builds another, and nothing that an installer would run. */
function contents(tarball) {
  const names = list(tarball).map(({ name }) => name);
  const wanted = ['linux-x64', 'linux-arm64'].flatMap((platform) =>
    ['glibc', 'musl'].map((libc) => `prebuilds/${platform}/close-wait-guard.${libc}.node`),
  );
  const missing = [...wanted, 'native/binding.gyp', 'scripts/build-native.js', 'LICENSE', 'README.md'].filter(
    (name) => !names.includes(name),
  );
  if (missing.length > 0) throw new Error(`it has no ${missing.join(', ')}`);
  const stray = names.filter((name) =>
    /^binding\.gyp$|(^|\/)(test|node_modules|\.env|\.npmrc)(\/|$)|\.(tgz|log|o|a|so)$/.test(name),
  );
  if (stray.length > 0) throw new Error(`it has ${stray.join(', ')}`);
  const hooks = Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$/.test(name));
  if (hooks.length > 0 || manifest.gypfile !== false) throw new Error('npm would run something when it is installed');
  return `${names.length} files`;
}

function list(tarball) {
  return run('tar', ['-tvzf', tarball], root)
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/))
    .map((columns) => ({
      bytes: Number(columns[2]),
      name: columns
        .slice(5)
        .join(' ')
        .replace(/^package\//, ''),
    }));
}

function attw(...args) {
  return tool('node_modules/@arethetypeswrong/cli/dist/index.js', ...args);
}

function tool(script, ...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, script), ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  return 'nothing found';
}
