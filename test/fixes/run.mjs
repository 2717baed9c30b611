// Types the fix of each report into the program that leaked, and asks the kernel whether the socket is free then; see README.md.
//   node test/fixes/run.mjs --register dist/register.js [--node /path/to/node] [--all] [--jobs 2] [--sentences] [name-part …]
//   node test/fixes/run.mjs --list [--all]
// Prints one line a case, and with --sentences what its report says. Exit status 1 when a fix is none.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { sizesFor } from '../corpus/lib/peers.mjs';
import { families, Stage } from './lib/stage.mjs';
import { tryFix } from './lib/try-fix.mjs';

const { values: options, positionals: nameParts } = parseArgs({
  allowPositionals: true,
  options: {
    register: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    jobs: { type: 'string', default: '2' },
    /** Also those of APIs whose packages have to be fetched. */
    all: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    /** The names are whole ones. */
    exactly: { type: 'boolean', default: false },
    sentences: { type: 'boolean', default: false },
    /** A file for what became of each, as JSON. */
    json: { type: 'string' },
  },
});

const results = [];
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-fixes-'));
try {
  const cases = (await Promise.all(families(options.all).map(casesOf))).flat();
  const chosen = cases.filter(({ id }) => nameParts.length === 0 || nameParts.some((part) => isMeant(id, part)));
  if (options.list) console.log(JSON.stringify(chosen.map(({ id }) => id)));
  else await tryAll(chosen);
} finally {
  fs.rmSync(scratch, { recursive: true, force: true });
}

function isMeant(id, part) {
  return options.exactly ? id === part : id.includes(part);
}

async function casesOf(family) {
  const stage = new Stage(scratch, family);
  const leaks = Object.entries(await stage.cases()).filter(([, { expect }]) => expect.silent === undefined);
  return leaks.map(([name, scenario]) => ({
    id: `${family}/${name}`,
    name,
    scenario,
    stage,
  }));
}

async function tryAll(cases) {
  if (!options.register || !fs.existsSync(options.register) || cases.length === 0) {
    process.stderr.write(`fixes: ${cases.length} cases; --register names dist/register.js\n`);
    process.exitCode = 2;
    return;
  }
  const readAhead = execFileSync(options.node, ['-p', 'require("node:stream").getDefaultHighWaterMark(false)'], {
    encoding: 'utf8',
  });
  const setting = {
    node: options.node,
    register: pathToFileURL(path.resolve(options.register)).href,
    sizes: sizesFor(Number(readAhead)),
  };
  const queue = [...cases];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await tryOne(next, setting);
  };
  await Promise.all(Array.from({ length: Number(options.jobs) }, work));
  const wrong = results.filter((result) => result.wrong !== undefined);
  console.log(`${cases.length - wrong.length} of ${cases.length} fixes work as written`);
  for (const each of wrong) console.log(`${each.id}: WRONG ${each.wrong}`);
  if (options.json) fs.writeFileSync(options.json, JSON.stringify(results, undefined, 1));
}

async function tryOne({ id, name, scenario, stage }, setting) {
  try {
    const { leak, goneAfterMs } = await tryFix(name, scenario, { ...setting, stage });
    const { cause, reason, framework, explanation, fix } = leak;
    results.push({
      id,
      cause,
      reason,
      framework,
      explanation,
      fix,
      goneAfterMs,
      healthy: scenario.healthy !== undefined,
    });
    console.log(`${id}: ${goneAfterMs === undefined ? 'names it' : `free after ${goneAfterMs} ms`}`);
    if (options.sentences) console.log(`    ${leak.explanation}\n    ${leak.fix}`);
  } catch (error) {
    results.push({ id, wrong: error.message });
    console.log(`${id}: WRONG ${error.message}`);
    process.exitCode = 1;
  }
}
