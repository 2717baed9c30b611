/**
 * Installs the packages of frameworks and clients that only tests need: each folder of test/apis has a package.json of its own,
 * with exact versions, and gets a node_modules of its own, in which `close-wait-guard` is this checkout. What is installed
 * already stays.
 *
 *   node scripts/install-apis.mjs              all
 *   node scripts/install-apis.mjs koa hapi     these
 *
 * Exits with 1, and npm's words, where npm cannot be reached.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { npmInstall } from './npm-cache.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const apis = path.join(root, 'test', 'apis');

/** The folder of an API, with its packages installed. @throws Error with npm's words */
export function installApi(name) {
  const folder = path.join(apis, name);
  if (isInstalled(name)) return folder;
  npmInstall(folder, []);
  linkCheckout(path.join(folder, 'node_modules', 'close-wait-guard'));
  fs.writeFileSync(stampOf(folder), digestOf(folder));
  return folder;
}

/** Not as a whole: it would lie in itself, and whoever lists it with what is below would come to no end. */
function linkCheckout(own) {
  fs.rmSync(own, { recursive: true, force: true });
  fs.mkdirSync(own);
  for (const part of ['package.json', 'dist'])
    fs.symlinkSync(path.relative(own, path.join(root, part)), path.join(own, part));
}

export function isInstalled(name) {
  const folder = path.join(apis, name);
  const stamp = stampOf(folder);
  return fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === digestOf(folder);
}

export function allApis() {
  return fs.readdirSync(apis).filter((name) => fs.existsSync(path.join(apis, name, 'package.json')));
}

/** Written last: without it the installation has broken off. */
const stampOf = (folder) => path.join(folder, 'node_modules', '.close-wait-guard');

function digestOf(folder) {
  return createHash('sha256')
    .update(fs.readFileSync(path.join(folder, 'package.json')))
    .update(linkCheckout.toString())
    .digest('hex');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const given = process.argv.slice(2);
  const names = given.length > 0 ? given : allApis();
  const unknown = names.find((name) => !allApis().includes(name));
  if (unknown !== undefined) {
    process.stderr.write(`install-apis: there is no ${unknown}; there are ${allApis().join(', ')}\n`);
    process.exit(2);
  }
  for (const name of names) {
    try {
      console.log(installApi(name));
    } catch (error) {
      process.stderr.write(`install-apis: ${error.message}\n`);
      process.exitCode = 1;
    }
  }
}
