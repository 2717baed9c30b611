/**
 * Fuzzing: ten million inputs for the parser of netlink messages, the reader of struct tcp_info and the formatter of endpoints together
 * (test/kernel/fuzz.sh), from the corpus that is kept, under the address and undefined-behaviour sanitizers.
 *
 *   node scripts/proof/fuzz.mjs [--runs 3400000] [--write]
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { writeTable } from './page.mjs';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '3400000' }, write: { type: 'boolean', default: false } },
});
if (!/^[1-9]\d*$/.test(values.runs)) {
  process.stderr.write(`fuzz: --runs takes a number of inputs for each target, got ${values.runs}\n`);
  process.exit(2);
}
const WHAT = {
  dump_message: 'the messages of a sock_diag dump (`ParseDump`)',
  tcp_info: '`struct tcp_info` of any length, and its row (`ParseTcpInfo`, `WriteRow`)',
  endpoints: 'endpoints, packed and as text (`PackEndpoints`, `FormatAddress`)',
};

const script = path.join(import.meta.dirname, '../../test/kernel/fuzz.sh');
const startedAt = performance.now();
const { status, stdout, stderr } = spawnSync('bash', [script, '--runs', values.runs], { encoding: 'utf8' });
process.stdout.write(stdout);
process.stderr.write(stderr);
const rows = [...stdout.matchAll(/^(\w+): (?:(\d+) inputs, (\d+) edges|FAILED)$/gm)].map(([, target, inputs, edges]) => [
  target,
  WHAT[target],
  inputs === undefined ? 'unknown' : Number(inputs).toLocaleString('en-US'),
  edges ?? 'unknown',
  inputs === undefined ? 'fails' : 'holds',
]);
console.log(`${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
if (values.write && rows.length > 0) {
  writeTable('fuzz', {
    title: 'Fuzzing',
    text: 'libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer over what takes apart bytes of the kernel and what writes addresses as text, from the corpus in `test/kernel/fuzz/corpus`. *Edges* is the coverage it reaches.',
    head: ['target', 'what', 'inputs', 'edges', 'verdict'],
    rows,
    all: true,
  });
}
process.exitCode = status === 0 && rows.length === Object.keys(WHAT).length ? 0 : 1;
