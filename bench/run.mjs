// npm run bench [-- --quick] [--only PART] [--parts] [--no-write]
// npm run bench -- --against DIST    this build against another one, say that of an older checkout; writes nothing
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { commit } from '../scripts/proof/page.mjs';
import { measureAgainst, renderAgainst } from './against.mjs';
import { measureFinAge, renderFinAge } from './fin-age.mjs';
import { goalsOf, renderGoals } from './goals.mjs';
import { measureKnownLeaks, renderKnownLeaks } from './known-leaks.mjs';
import { machineLine } from './machine.mjs';
import { measureMany, renderMany } from './many.mjs';
import { measureOwnCost, renderOwnCost } from './own-cost.mjs';
import { readmeSection } from './readme.mjs';
import { withSection } from './render.mjs';
import { measureRequests, renderRequests } from './request-cost.mjs';
import { measureSamples, renderSamples } from './sample.mjs';
import { measureTestCheck, renderTestCheck } from './test-check.mjs';

const COST = new URL('../docs/cost.md', import.meta.url);
const README = new URL('../README.md', import.meta.url);
const DIST = new URL('../dist/index.js', import.meta.url);
/** What `npm run proof` takes its rows from. */
const RESULTS = new URL('../build/bench.json', import.meta.url);

/** In this order: what needs a machine that has done nothing yet comes first. */
const PARTS = {
  samples: ['The cost of a look at all sockets of a process', measureSamples, renderSamples],
  known: ['Known leaks', measureKnownLeaks, renderKnownLeaks],
  own: ["The guard's own CPU for a request", measureOwnCost, renderOwnCost],
  requests: ['The cost of the guard for a Fastify request', measureRequests, renderRequests],
  many: ['A hundred thousand connections', measureMany, renderMany],
  finAge: ['The age of a FIN', measureFinAge, renderFinAge],
  testCheck: ['What the check for leaks costs a clean test', measureTestCheck, renderTestCheck],
};

async function main() {
  const { values: flags } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      parts: { type: 'boolean', default: false },
      'no-write': { type: 'boolean', default: false },
      against: { type: 'string' },
    },
  });
  if (flags.only !== undefined && !(flags.only in PARTS)) {
    return fail(`--only takes ${Object.keys(PARTS).join(', ')}; got ${flags.only}`);
  }
  if (!existsSync(DIST)) return fail('nothing is built: run npm run build first');
  const say = (line) => process.stderr.write(`${line}\n`);
  const { quick, parts } = flags;
  if (flags.against !== undefined) return compare(flags.against, quick, say);
  const measured = {};
  const sections = [];
  for (const [part, [title, measure, render]] of Object.entries(PARTS)) {
    if (flags.only !== undefined && flags.only !== part) continue;
    say(title);
    measured[part] = await measure({ quick, say, parts });
    sections.push(render(measured[part]));
  }
  const goals = goalsOf(measured);
  const head = `Measured by \`npm run bench\` on: ${machineLine()}.`;
  const section = [head, renderGoals(goals), ...sections].join('\n\n');
  process.stdout.write(`\n${section}\n`);
  // A part of the measurements, or a hasty one, must not stand in the pages as if it were the whole.
  if (quick || parts || flags.only !== undefined || flags['no-write']) return undefined;
  writePage(COST, section);
  writePage(README, readmeSection(measured));
  mkdirSync(path.dirname(fileURLToPath(RESULTS)), { recursive: true });
  writeFileSync(RESULTS, `${JSON.stringify({ commit: commit(), goals }, undefined, 2)}\n`);
  return undefined;
}

async function compare(folder, quick, say) {
  const dist = pathToFileURL(`${path.resolve(folder)}/`);
  if (!existsSync(new URL('index.js', dist))) return fail(`--against takes a built dist folder, got ${folder}`);
  process.stdout.write(`\n${renderAgainst(await measureAgainst({ dist, quick, say }))}\n\n${machineLine()}\n`);
}

function writePage(page, section) {
  const name = path.basename(fileURLToPath(page));
  const text = existsSync(page) ? withSection(readFileSync(page, 'utf8'), section) : undefined;
  if (text === undefined) return fail(`${name} has no <!-- bench:start --> ... <!-- bench:end --> to write this to`);
  writeFileSync(page, text);
  process.stderr.write(`${name} is up to date.\n`);
}

function fail(message) {
  process.stderr.write(`bench: ${message}\n`);
  process.exitCode = 1;
}

await main();
