/**
 * Runs the proofs of this folder one after the other, each in a process of its own: every script here is one, but this, page.mjs and the
 * parts of one, which have a dash in their names. Each prints its table, with
 * --write writes its section of docs/proof.md, and exits with 1 when it found a fault.
 *
 *   npm run proof
 *   npm run proof -- servers            one of them
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const folder = import.meta.dirname;
const all = fs
  .readdirSync(folder)
  .filter((file) => file.endsWith('.mjs') && file !== 'main.mjs' && file !== 'page.mjs' && !file.includes('-'))
  .map((file) => path.basename(file, '.mjs'));
const names = process.argv.length > 2 ? process.argv.slice(2) : all;
const unknown = names.find((name) => !all.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`proof: there is no ${unknown}; there are ${all.join(', ')}\n`);
  process.exit(2);
}

const failed = names.filter((name) => {
  console.log(`\n${name}`);
  return spawnSync(process.execPath, [path.join(folder, `${name}.mjs`), '--write'], { stdio: 'inherit' }).status !== 0;
});
for (const name of failed) console.log(`FAILED: ${name}`);
process.exitCode = failed.length > 0 ? 1 : 0;
