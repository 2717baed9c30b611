/**
 * Installs a version of a test runner that is not among the devDependencies into the user's cache folder, once, and prints
 * the folder: it is a project with that runner, fastify, and what the package depends on.
 *
 *   node scripts/install-runner.mjs tap@21
 *   node scripts/install-runner.mjs vitest@3.2 typescript@5.9
 *
 * Exits with 1, and npm's words, where npm cannot be reached.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const specs = process.argv.slice(2);
if (specs.length === 0 || specs.some((spec) => !/^(@[\w-]+\/)?[\w-]+@[\w.-]+$/.test(spec))) {
  process.stderr.write('install-runner: takes names with versions, as in tap@21\n');
  process.exit(2);
}
const cache = process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache');
const folder = path.join(cache, 'close-wait-guard', `runner-${specs.join('+').replaceAll('/', '-')}`);
const installed = path.join(folder, 'installed');
if (!fs.existsSync(installed)) install();
console.log(folder);

function install() {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  const { dependencies, devDependencies } = JSON.parse(
    fs.readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  const ours = Object.entries({ ...dependencies, fastify: devDependencies.fastify });
  const wanted = [...specs, ...ours.map(([name, range]) => `${name}@${range}`)];
  const args = ['install', '--no-save', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];
  // npm hands its settings down through the environment, those of the outer run too.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|NODE_ENV$)/i.test(name)),
  );
  const npm = spawnSync('npm', [...args, '--loglevel=error', '--fetch-retries=1', ...wanted], {
    cwd: folder,
    env,
    encoding: 'utf8',
    timeout: 240_000,
  });
  if (npm.status !== 0) {
    process.stderr.write(`install-runner: npm could not install ${specs.join(', ')}: ${npm.stderr || npm.error}\n`);
    process.exit(1);
  }
  fs.writeFileSync(installed, '');
}
