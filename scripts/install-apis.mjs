/**
 * Installs the packages of test/apis/<api>/package.json, which are not among the devDependencies, into the user's cache folder,
 * once, and prints the folder. The tests that need them skip themselves where they are not there.
 *
 *   node scripts/install-apis.mjs clients
 *
 * Exits with 1, and npm's words, where npm cannot be reached.
 */
import fs from 'node:fs';
import { cached } from './npm-cache.mjs';

const [api = ''] = process.argv.slice(2);
const list = new URL(`../test/apis/${api}/package.json`, import.meta.url);
if (!/^[\w-]+$/.test(api) || !fs.existsSync(list)) {
  process.stderr.write('install-apis: takes the name of a folder of test/apis, as in clients\n');
  process.exit(2);
}
try {
  const { dependencies } = JSON.parse(fs.readFileSync(list, 'utf8'));
  const wanted = Object.entries(dependencies).map(([name, range]) => `${name}@${range}`);
  console.log(cached(`apis-${api}`, wanted));
} catch (error) {
  process.stderr.write(`install-apis: ${error.message}\n`);
  process.exitCode = 1;
}
