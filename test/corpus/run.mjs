// Scores a guard against the cases in cases/: each is a small program that leaks a socket, or that only looks as if it did.
//   node test/corpus/run.mjs --register dist/register.js [--node /path/to/node] [--jobs 2] [--json results.json] [name-part …]
//   node test/corpus/run.mjs --attach dist/cli.js …   the programs run without a guard; the command is attached to each 3 s later
// Prints what was wrong and one line of totals. Exit status 1 when anything was. See README.md.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { sizesFor } from './lib/peers.mjs';
import { play } from './lib/play.mjs';

const { values: options, positionals: nameParts } = parseArgs({
  allowPositionals: true,
  options: {
    register: { type: 'string' },
    attach: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    jobs: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
});
const guard = options.attach ?? options.register;
if (!guard || !fs.existsSync(guard)) usage(`--register or --attach names no file: ${guard}`);
if (!/^[1-9]\d?$/.test(options.jobs)) usage(`--jobs takes 1 to 99, not ${options.jobs}`);

const queue = await readCases();
if (queue.length === 0) usage(`no case has ${nameParts.join(' or ')} in its name`);
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-corpus-'));
const readAhead = execFileSync(options.node, ['-p', 'require("node:stream").getDefaultHighWaterMark(false)'], {
  encoding: 'utf8',
});
const setting = {
  node: options.node,
  ...(options.attach
    ? { attach: path.resolve(options.attach) }
    : { register: pathToFileURL(path.resolve(options.register)).href }),
  sizes: sizesFor(Number(readAhead)),
};
const results = [];
const total = queue.length;
await Promise.all(Array.from({ length: Math.min(total, Number(options.jobs)) }, work));
fs.rmSync(scratch, { recursive: true, force: true });
results.sort((a, b) => a.script.localeCompare(b.script));

for (const result of results) {
  const what = verdict(result);
  if (what !== undefined) console.log(`${result.script}: ${what}`);
}
const score = scoreOf(results);
console.log(
  `leaks found ${score.found}/${score.leaks}; of these kind ${score.kindRight}, cause ${score.causeRight}, side ${score.sideRight}, ` +
    `owner ${score.ownerRight} right; false alarms ${score.falseAlarms}; errors ${score.errors}; ${score.cases} cases`,
);
if (options.json) fs.writeFileSync(options.json, JSON.stringify({ score, results }, undefined, 1));
process.exitCode = results.every((result) => verdict(result) === undefined) ? 0 : 1;

async function work() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const log = path.join(scratch, `${next.id.replace('/', '-')}.jsonl`);
    results.push(await play(next, { ...setting, log }));
  }
}

/** Every case, as `<file>/<name>`. */
async function readCases() {
  const folder = new URL('cases/', import.meta.url);
  const found = [];
  for (const entry of fs.readdirSync(folder).sort()) {
    const file = new URL(entry, folder).href;
    const { default: cases } = await import(file);
    for (const [name, scenario] of Object.entries(cases))
      found.push({ id: `${path.basename(entry, '.mjs')}/${name}`, file, name, scenario });
  }
  return nameParts.length === 0 ? found : found.filter(({ id }) => nameParts.some((part) => id.includes(part)));
}

/** What was wrong with a case; undefined when nothing was. */
function verdict({ truth, error, leaked, detected, falseAlarms, kindOk, causeOk, sideOk, ownerOk, kind, causes, saw }) {
  if (error) return `ERROR ${error}`;
  const got = saw.length > 0 ? saw.join(', ') : 'nothing';
  if (falseAlarms > 0) return `FALSE ALARM: got ${got}`;
  if (truth === 'leak' && !leaked) return 'DOES NOT LEAK on this Node';
  if (!leaked) return undefined;
  const wrong = [
    [detected, 'MISSED'],
    [kindOk, 'WRONG KIND'],
    [causeOk, 'WRONG CAUSE'],
    [sideOk, 'WRONG SIDE'],
  ]
    .concat([[ownerOk, 'WRONG OWNER']])
    .find(([right]) => !right);
  return wrong && `${wrong[1]}: wanted ${kind}/${causes.join('|')}, got ${got}`;
}

function scoreOf(all) {
  const ran = all.filter(({ error }) => !error);
  const leaks = ran.filter(({ leaked }) => leaked);
  const found = leaks.filter(({ detected }) => detected);
  const right = (field) => found.filter((result) => result[field]).length;
  return {
    cases: all.length,
    errors: all.length - ran.length,
    leaks: leaks.length,
    found: found.length,
    kindRight: right('kindOk'),
    causeRight: right('causeOk'),
    sideRight: right('sideOk'),
    ownerRight: right('ownerOk'),
    quiet: ran.length - leaks.length,
    falseAlarms: ran.reduce((sum, { falseAlarms }) => sum + falseAlarms, 0),
  };
}

function usage(what) {
  process.stderr.write(`corpus: ${what}\n`);
  process.exit(2);
}
