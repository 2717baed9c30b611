// npm run bench [-- --quick] [--only sample|fastify|test-check] [--no-write]
// npm run bench -- --against DIST    this build against another one, say that of an older checkout; writes nothing
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { measureAgainst, renderAgainst } from './against.mjs';
import { machineLine } from './machine.mjs';
import { withSection } from './render.mjs';
import { measureRequests, renderRequests } from './request-cost.mjs';
import { measureSamples, renderSamples } from './sample.mjs';
import { measureTestCheck, renderTestCheck } from './test-check.mjs';

const PAGE = new URL('../docs/cost.md', import.meta.url);
const DIST = new URL('../dist/index.js', import.meta.url);

const PARTS = ['sample', 'fastify', 'test-check'];

async function main() {
  const { values: flags } = parseArgs({
    options: {
      quick: { type: 'boolean' },
      only: { type: 'string' },
      'no-write': { type: 'boolean' },
      against: { type: 'string' },
    },
  });
  if (flags.only !== undefined && !PARTS.includes(flags.only)) {
    return fail(`--only takes ${PARTS.join(', ')}; got ${flags.only}`);
  }
  if (!existsSync(DIST)) return fail('nothing is built: run npm run build first');
  const say = (line) => process.stderr.write(`${line}\n`);
  const quick = flags.quick ?? false;
  if (flags.against !== undefined) return compare(flags.against, quick, say);
  const sections = [`Measured by \`npm run bench\` on: ${machineLine()}.`];
  const isAsked = (part) => flags.only === undefined || flags.only === part;
  if (isAsked('sample')) {
    say('The cost of a look at all sockets of a process');
    sections.push(renderSamples(await measureSamples({ quick, say })));
  }
  if (isAsked('fastify')) {
    say('The cost of the guard for a Fastify request');
    sections.push(renderRequests(await measureRequests({ quick, say })));
  }
  if (isAsked('test-check')) {
    say('What the check for leaks costs a clean test');
    sections.push(renderTestCheck(measureTestCheck({ quick, say })));
  }
  const section = sections.join('\n\n');
  process.stdout.write(`\n${section}\n`);
  // A part of the measurements, or a hasty one, must not stand in docs/cost.md as if it were the whole.
  if (!quick && flags.only === undefined && !flags['no-write']) writePage(section);
}

async function compare(folder, quick, say) {
  const dist = pathToFileURL(`${path.resolve(folder)}/`);
  if (!existsSync(new URL('index.js', dist))) return fail(`--against takes a built dist folder, got ${folder}`);
  process.stdout.write(`\n${renderAgainst(await measureAgainst({ dist, quick, say }))}\n\n${machineLine()}\n`);
}

function writePage(section) {
  const text = existsSync(PAGE) ? withSection(readFileSync(PAGE, 'utf8'), section) : undefined;
  if (text === undefined)
    return fail('docs/cost.md has no <!-- bench:start --> ... <!-- bench:end --> to write this to');
  writeFileSync(PAGE, text);
  process.stderr.write('docs/cost.md is up to date.\n');
}

function fail(message) {
  process.stderr.write(`bench: ${message}\n`);
  process.exitCode = 1;
}

await main();
