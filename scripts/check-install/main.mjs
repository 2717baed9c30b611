/**
 * Uses the packed tarball as people do: installed by each package manager, bundled by each bundler, type-checked by each
 * TypeScript. Prints a table for each, what was refused without us, and what failed. Exits with 1 when something failed.
 *
 *   npm run check:install
 *   npm run check:install -- --short               what .ci/run has time for
 *   npm run check:install -- --only yarn installs
 *
 * Everything is fetched from npm, once, into the user's cache folder.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { checkBundles } from './bundles.mjs';
import { checkInstalls } from './installs.mjs';
import { checkTypes } from './types.mjs';
import { pack } from './tarball.mjs';

const PARTS = { installs: checkInstalls, types: checkTypes, bundles: checkBundles };
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    tarball: { type: 'string' },
    only: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    keep: { type: 'boolean', default: false },
  },
});
const parts = positionals.length > 0 ? positionals : Object.keys(PARTS);
const unknown = parts.find((part) => !(part in PARTS));
if (unknown !== undefined) {
  process.stderr.write(`check-install: there is no part ${unknown}; there are ${Object.keys(PARTS).join(', ')}\n`);
  process.exit(2);
}

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-install-'));
const failures = [];
let passed = 0;
try {
  const tarball = options.tarball ? path.resolve(options.tarball) : await pack(work);
  for (const part of parts) {
    const started = performance.now();
    console.log(`\n${part}`);
    const result = await PARTS[part]({
      tarball,
      work,
      short: options.short,
      jobs: Number(options.jobs),
      only: options.only,
    });
    for (const line of result.notCounted) console.log(`not counted: ${line}`);
    for (const line of result.failed) console.log(`FAILED: ${line}`);
    passed += result.passed;
    failures.push(...result.failed);
    console.log(`${part}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
} finally {
  if (options.keep) console.log(`kept: ${work}`);
  else fs.rmSync(work, { recursive: true, force: true });
}
console.log(`\ncheck-install: ${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 && passed > 0 ? 0 : 1;
