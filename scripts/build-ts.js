/**
 * Compiles src/ twice: dist/ holds the ES modules, dist/cjs/ the same as CommonJS. A package.json in the second folder says of
 * what kind its files are. (close-wait-guard/jest, which is CommonJS by nature, is there only.)
 *
 * Only what changed is compiled again, by tsc's .tsbuildinfo files, as long as dist/ holds the files it should: tsc neither removes
 * what a source that is gone had become, nor restores what somebody removed.
 *
 * The types are those of the second folder, and an ES module's entry point has a file of types that passes them on: a program
 * with files of both kinds would otherwise have two of each class, and TypeScript holds them to be different.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = path.join(root, 'dist');
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

const read = (file) => JSON.parse(fs.readFileSync(path.join(root, file), 'utf8'));
const entries = Object.values(read('package.json').exports).filter((entry) => entry.import?.types !== undefined);

const wanted = wantedFiles().sort();
const present = fs.existsSync(dist) ? filesBelow(dist).sort() : [];
if (wanted.join() !== present.join()) fs.rmSync(dist, { recursive: true, force: true });
for (const project of ['tsconfig.build.json', 'tsconfig.cjs.json']) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
fs.writeFileSync(path.join(dist, 'cjs', 'package.json'), '{ "type": "commonjs" }\n');
// npm makes a command executable where it installs one; this is for whoever starts it from here.
for (const file of Object.values(read('package.json').bin)) fs.chmodSync(path.join(root, file), 0o755);

for (const {
  import: { types },
  require: { types: original },
} of entries) {
  const file = path.join(root, types);
  const from = path.relative(path.dirname(file), path.join(root, original)).replace(/\.d\.ts$/, '.js');
  const specifier = `'${from.startsWith('.') ? from : `./${from}`}'`;
  // `export *` leaves the default one out, and what CommonJS calls so is the whole module to an ES module.
  const isDefault = fs.readFileSync(path.join(root, original), 'utf8').match(/export \{ (\w+) as default\b/)?.[1];
  const lines = [
    `export * from ${specifier};`,
    ...(isDefault ? [`export { ${isDefault} as default } from ${specifier};`] : []),
  ];
  fs.writeFileSync(file, `${lines.join('\n')}\n`);
}

/** Every file of a whole dist/, relative to it. */
function wantedFiles() {
  const sources = filesBelow(path.join(root, 'src'));
  const notInModules = read('tsconfig.build.json').exclude.map((file) => path.relative('src', file));
  return [
    ...sources.filter((file) => !notInModules.includes(file)).flatMap((file) => outputsOf(file)),
    ...sources.flatMap((file) => [...outputsOf(file), typesOf(file)]).map((file) => path.join('cjs', file)),
    ...entries.map((entry) => path.relative('dist', entry.import.types)),
    'esm.tsbuildinfo',
    path.join('cjs', 'cjs.tsbuildinfo'),
    path.join('cjs', 'package.json'),
  ];
}

/** `a.ts` becomes `a.js`, `a.cts` becomes `a.cjs`, each with a source map. */
function outputsOf(source) {
  const code = source.replace(/ts$/, 'js');
  return [code, `${code}.map`];
}

function typesOf(source) {
  return source.replace(/(\.[cm]?ts)$/, '.d$1');
}

function filesBelow(folder) {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}
