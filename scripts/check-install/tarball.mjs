import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const fixtures = path.join(root, 'test', 'fixtures');

/** Packs a copy of the checkout: packing builds, and what is built here may be in use. @throws Error with npm's words */
export async function pack(work) {
  const clone = path.join(work, 'clone');
  const left = new Set(['node_modules', '.git', 'build', 'native/build', 'dist', 'prebuilds', 'coverage', '.scratch']);
  fs.cpSync(root, clone, { recursive: true, filter: (source) => !left.has(path.relative(root, source)) });
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(clone, 'node_modules'));
  const { code, output } = await run(['npm', 'pack', '--pack-destination', work], { cwd: clone });
  const name = fs.readdirSync(work).find((file) => file.endsWith('.tgz'));
  if (code !== 0 || name === undefined) throw new Error(`npm pack failed:\n${output}`);
  return path.join(work, name);
}
