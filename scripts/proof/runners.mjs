/**
 * Every test runner and version, run for real with what docs/testing.md says to write, on a default Fastify application whose
 * hooks close it and one of whose tests leaks. Prints a row for each, and with --write into docs/proof.md. Exits with 1 where
 * the leak is not what is printed first, another test than the leaking one is red, or the run takes 20 s.
 *
 *   node scripts/proof/runners.mjs --write
 *   node scripts/proof/runners.mjs jest mocha      these alone (parts of names)
 *
 * It uses what `npm run build` has made. Runners and lines of Node that are not here are fetched from npm once.
 */
import { parseArgs } from 'node:util';
import { faultsOf, play } from '../../test/proof/runners/play.mjs';
import { rows as all } from '../../test/proof/runners/rows.mjs';
import { table, writeTable } from './page.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
});
const isAsked = ({ runner }) => positionals.some((part) => runner.toLowerCase().includes(part.toLowerCase()));
const chosen = positionals.length > 0 ? all.filter(isAsked) : all;
if (chosen.length === 0) {
  process.stderr.write(`runners: there is none of these; there are ${all.map(({ runner }) => runner).join(', ')}\n`);
  process.exit(2);
}

const HEAD = ['runner', 'on Node', 'printed first', 'red', 'green', 'ended after', 'verdict'];
const rows = [];
for (const row of chosen) {
  try {
    const played = await play(row);
    const faults = faultsOf(row, played);
    rows.push([
      ...[row.runner, row.node, played.first, played.red.join(', '), `${played.green.length} tests`],
      `${played.seconds.toFixed(1)} s`,
      faults.length === 0 ? 'holds' : faults.join('; '),
    ]);
    if (faults.length > 0) console.log(played.printed);
  } catch (error) {
    rows.push([row.runner, row.node, '', '', '', '', 'not run']);
    console.log(`FAILED: ${row.runner}: ${error.stack}`);
  }
  console.log(rows.at(-1).join(' | '));
}

console.log(`\n${table(HEAD, rows)}`);
if (options.write) {
  writeTable('runners', {
    title: 'Test runners',
    text: `Six tests of a default Fastify application, each with an application of its own that a hook closes; one leaves a client's upload
unread and unanswered. What [testing](testing.md) says to write is all that is added. *Printed first* is the first line that tells of a
failure, \`leak\` where it is the leak's sentence. *Known leaks* are six other tests: with \`allowLeaks()\`, \`ignore\` and assertions.`,
    head: HEAD,
    rows,
    all: chosen === all,
  });
}
process.exitCode = rows.every((row) => row.at(-1) === 'holds') ? 0 : 1;
