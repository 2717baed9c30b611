/**
 * Published servers from npm with the preload in them: healthy clients first, then clients that leave at every moment. What the
 * guard reports is held against /proc. Prints a row for each server and with --write
 * into docs/proof.md.
 *
 *   node scripts/proof/servers.mjs --write
 *   node scripts/proof/servers.mjs --explain ws serve      these alone, with every report
 *   node scripts/proof/servers.mjs --sample                two quick ones, for .ci/run
 *
 * It uses what `npm run build` has made. The servers are installed once, into the user's cache folder.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { prove, SETTINGS } from '../../test/proof/servers/prove.mjs';
import { faultLines, reportLines } from '../../test/proof/servers/words.mjs';
import { table, writeTable } from './page.mjs';

const SAMPLE = ['ws', 'fastify-websocket'];
const folder = path.join(import.meta.dirname, '../../test/proof/servers/published');
const all = fs.readdirSync(folder).flatMap((file) => (file.endsWith('.mjs') ? [path.basename(file, '.mjs')] : []));
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'boolean', default: false },
    explain: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    'healthy-ms': { type: 'string' },
  },
});
const names = options.sample ? SAMPLE : positionals.length > 0 ? positionals : all;
const unknown = names.find((name) => !all.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`servers: there is no ${unknown}; there are ${all.join(', ')}\n`);
  process.exit(2);
}
const healthyMs = Number(options['healthy-ms'] ?? (options.sample ? 5000 : 15_000));

const HEAD = [
  'server',
  'version',
  'hang-ups',
  'leaked sockets',
  'reports',
  'missed',
  'false alarms',
  'wrong names',
  'verdict',
];
const rows = [];
for (const name of names) {
  const { default: description } = await import(path.join(folder, `${name}.mjs`));
  try {
    const result = await prove(description, { healthyMs, keep: options.keep });
    const { missed, falseAlarms, wrong } = result;
    const good = missed.length + falseAlarms.length + wrong.length + result.refused === 0 && result.died === undefined;
    rows.push([
      name,
      result.title,
      result.died === undefined ? result.hangUps : `${result.hangUps} (it ended: ${result.died})`,
      result.leaks,
      result.judged.length,
      missed.length,
      falseAlarms.length,
      wrong.length,
      good ? 'holds' : 'faults',
    ]);
    console.log(rows.at(-1).slice(1).join(' | '));
    if (options.explain) for (const line of reportLines(result)) console.log(line);
    for (const line of faultLines(result)) console.log(line);
  } catch (error) {
    rows.push([name, '', 0, '', '', '', '', '', 'not run']);
    console.log(`FAILED: ${name}: ${error.stack}`);
  }
  // What is measured stays, whatever becomes of the rest.
  if (options.write) write(rows.slice(-1), false);
}

const text = table(HEAD, rows);
console.log(`\n${text}`);
if (options.write && names === all) write(rows, true);
process.exitCode = rows.every((row) => row.at(-1) === 'holds') ? 0 : 1;

function write(measured, whole) {
  writeTable('servers', {
    title: 'Real servers',
    text: `The guard is preloaded into each published server with a \`closeWaitTimeout\` of ${SETTINGS.timeoutMs / 1000} s. Clients that behave come first (keep-alive,
slow readers and uploaders, WebSockets, long polls), then clients that leave at every moment by FIN, by close(), by RST and by a
FIN after which they read nothing. *Leaked sockets* are those that /proc shows with an open fd, half-closed, reset or stalled, and
standing still for longer than that time; *missed* are those without a report. *False alarms* are reports of any other socket.
*Wrong names* counts what is wrong in the others: side, route, destination or cause.`,
    head: HEAD,
    rows: measured,
    all: whole,
  });
}
