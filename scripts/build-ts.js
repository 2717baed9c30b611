/**
 * Compiles src/ twice: dist/ holds the ES modules, dist/cjs/ the same as CommonJS. A package.json in the second folder says of
 * what kind its files are. (close-wait-guard/jest, which is CommonJS by nature, is there only.)
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

fs.rmSync(dist, { recursive: true, force: true });
for (const project of ['tsconfig.build.json', 'tsconfig.cjs.json']) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
fs.writeFileSync(path.join(dist, 'cjs', 'package.json'), '{ "type": "commonjs" }\n');

const { exports: entries } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
for (const { import: { types } = {}, require: { types: original } = {} } of Object.values(entries)) {
  if (types === undefined) continue;
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
