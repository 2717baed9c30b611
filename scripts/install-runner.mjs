/**
 * Installs a version of a test runner that is not among the devDependencies into the user's cache folder, once, and prints
 * the folder: it is a project with that runner, fastify, and what the package depends on.
 *
 *   node scripts/install-runner.mjs tap@21
 *   node scripts/install-runner.mjs vitest@3.2 typescript@5.9
 *
 * Exits with 1, and npm's words, where npm cannot be reached.
 */
import fs from 'node:fs';
import { cached } from './npm-cache.mjs';

const specs = process.argv.slice(2);
if (specs.length === 0 || specs.some((spec) => !/^(@[\w-]+\/)?[\w-]+@[\w.-]+$/.test(spec))) {
  process.stderr.write('install-runner: takes names with versions, as in tap@21\n');
  process.exit(2);
}
const { dependencies, devDependencies } = JSON.parse(
  fs.readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);
const ours = Object.entries({ ...dependencies, fastify: devDependencies.fastify });
try {
  const wanted = [...specs, ...ours.map(([name, range]) => `${name}@${range}`)];
  console.log(cached(`runner-${specs.join('+').replaceAll('/', '-')}`, wanted));
} catch (error) {
  process.stderr.write(`install-runner: ${error.message}\n`);
  process.exitCode = 1;
}
