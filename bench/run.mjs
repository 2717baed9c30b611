// npm run bench [-- --quick] [--only sample|fastify] [--no-write]
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machineLine } from './machine.mjs';
import { withSection } from './render.mjs';
import { measureRequests, renderRequests } from './request-cost.mjs';
import { measureSamples, renderSamples } from './sample.mjs';

const README = new URL('../README.md', import.meta.url);
const DIST = new URL('../dist/index.js', import.meta.url);

async function main() {
  const { values: flags } = parseArgs({
    options: { quick: { type: 'boolean' }, only: { type: 'string' }, 'no-write': { type: 'boolean' } },
  });
  if (flags.only !== undefined && flags.only !== 'sample' && flags.only !== 'fastify') {
    return fail(`--only takes sample or fastify, got ${flags.only}`);
  }
  if (!existsSync(DIST)) return fail('nothing is built: run npm run build first');
  const say = (line) => process.stderr.write(`${line}\n`);
  const quick = flags.quick ?? false;
  const sections = [`Measured by \`npm run bench\` on: ${machineLine()}.`];
  if (flags.only !== 'fastify') {
    say('The cost of a look at all sockets of a process');
    sections.push(renderSamples(await measureSamples({ quick, say })));
  }
  if (flags.only !== 'sample') {
    say('The cost of the guard for a Fastify request');
    sections.push(renderRequests(await measureRequests({ quick, say })));
  }
  const section = sections.join('\n\n');
  process.stdout.write(`\n${section}\n`);
  // A part of the measurements, or a hasty one, must not stand in the README as if it were the whole.
  if (!quick && flags.only === undefined && !flags['no-write']) writeReadme(section);
}

function writeReadme(section) {
  const text = existsSync(README) ? withSection(readFileSync(README, 'utf8'), section) : undefined;
  if (text === undefined) return fail('README.md has no <!-- bench:start --> ... <!-- bench:end --> to write this to');
  writeFileSync(README, text);
  process.stderr.write('README.md is up to date.\n');
}

function fail(message) {
  process.stderr.write(`bench: ${message}\n`);
  process.exitCode = 1;
}

await main();
