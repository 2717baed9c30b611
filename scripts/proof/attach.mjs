/**
 * The command `attach`, held against programs that nobody prepared: those of a corpus are started without the preload and attached to 3 s
 * later, and what it says is compared with what the preload finds in the same programs.
 *
 *   npm run proof -- attach                                 the repository's own corpus, on Node 20, 22, 24 and 26
 *   node scripts/proof/attach.mjs --sample                  twelve cases on this Node, two minutes: for .ci/run
 *   node scripts/proof/attach.mjs --corpus DIR              another corpus (test/corpus/README.md says what one is)
 *   … [--node 20,24] [--jobs 2] [--settle 20] [name-part …] [--write]
 *
 * Of another corpus nothing is known but its run.mjs, so the `node` that it is given starts the real one, and has the command attach to it.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { environmentOfAUser, nodeBinary, npmInstall } from '../npm-cache.mjs';
import { table, writeTable } from './page.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const own = path.join(root, 'test', 'corpus');
const [cli, register] = ['cli.js', 'register.js'].map((file) => path.join(root, 'dist', file));
/** Of every family, and of every way in which a socket is found. */
const SAMPLE = [
  ...[
    'net/pauses',
    'net/lets-a-flood',
    'net/keeps-a-reset',
    'http/upload-waits',
    'http/first-of',
    'clients/fetch-looks',
    'clients/undici-looks',
  ],
  ...[
    'secure/tls-session',
    'elsewhere/child-process-still-has',
    'net-look-alikes/works-off',
    'http-look-alikes/slow-report',
    'secure/websocket-that-is-quiet',
  ],
];
/** What is promised. */
const LEAKS_SHARE = 0.95;
const CAUSES_SHARE = 0.85;
const VERDICT_MS = 8_000;

const { values: options, positionals: nameParts } = parseArgs({
  allowPositionals: true,
  options: {
    corpus: { type: 'string', default: own },
    node: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    // Of another corpus: for how long its programs wait before they measure the truth and end, s.
    settle: { type: 'string', default: '20' },
    sample: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
if (!fs.existsSync(cli)) {
  process.stderr.write('attach: dist/ is not built; npm run build\n');
  process.exit(2);
}
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-attach-'));
const corpus = options.corpus === own ? own : copyOf(path.resolve(options.corpus));
const lines = options.node?.split(',') ?? (options.sample ? [undefined] : ['20', '22', '24', '26']);
const names = options.sample && nameParts.length === 0 ? SAMPLE : nameParts;

const HEAD = [
  'corpus, Node',
  'leaks',
  'found by the preload',
  'found by attach',
  'of these causes right',
  'false alarms',
  'verdict: median, slowest',
];
const scores = lines.map((line) => scoreOn(line));
fs.rmSync(scratch, { recursive: true, force: true });
console.log(
  table(
    HEAD,
    scores.map(({ row }) => row),
  ),
);
for (const { faults } of scores) for (const fault of faults) console.log(fault);
if (options.write) {
  writeTable('attach', {
    title: 'attach: a process that nobody prepared',
    text: `Every program is started without the guard. \`close-wait-guard attach\` looks into it 3 s later, and its verdict is compared with what the
preload says of the same program. Of what the preload finds at least ${LEAKS_SHARE * 100} % must be found, ${CAUSES_SHARE * 100} % of these with a right cause, without a
false alarm, and within ${VERDICT_MS / 1_000} s of the command's start (of which 2 s are the time that it watches).`,
    head: HEAD,
    rows: scores.map(({ row }) => row),
  });
}
process.exitCode = scores.some(({ faults }) => faults.length > 0) ? 1 : 0;

function scoreOn(line) {
  const node = line === undefined ? process.execPath : nodeBinary(line);
  const title = `${corpus === own ? 'test/corpus' : path.basename(options.corpus)}, Node ${line ?? process.versions.node.split('.')[0]}`;
  const preload = play(['--register', register, '--node', node]);
  const attached = corpus === own ? play(['--attach', cli, '--node', node]) : playWrapped(node);
  const found = new Map(preload.results.filter(({ detected }) => detected).map((result) => [result.script, result]));
  const both = attached.results.filter(({ script }) => found.has(script));
  const hits = both.filter(({ detected }) => detected);
  const causes = hits.filter(({ causeOk }) => causeOk);
  const wanted = hits.filter(({ script }) => found.get(script).causeOk);
  const falseAlarms = attached.score.falseAlarms;
  const verdicts = (attached.verdicts ?? attached.results).filter(({ verdictMs }) => verdictMs !== undefined);
  const times = verdicts.map(({ verdictMs }) => verdictMs).sort((a, b) => a - b);
  const [median, slowest] = [times[times.length >> 1] ?? 0, times.at(-1) ?? 0];
  const { script: late = 'a program' } = verdicts.find(({ verdictMs }) => verdictMs === slowest) ?? {};
  const faults = [
    both.length === 0 && 'nothing was compared',
    attached.score.errors > 0 && `${attached.score.errors} programs ran into an error`,
    hits.length < LEAKS_SHARE * both.length && `found ${hits.length} of ${both.length}: ${missing(both, hits)}`,
    causes.length < CAUSES_SHARE * wanted.length &&
      `right causes ${causes.length} of ${wanted.length}: ${missing(hits, causes)}`,
    falseAlarms > 0 && `${falseAlarms} false alarms: ${alarmed(attached.results)}`,
    slowest > VERDICT_MS && `the verdict on ${late} took ${slowest} ms`,
  ].filter(Boolean);
  const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`;
  return {
    row: [
      ...[
        title,
        attached.score.leaks,
        found.size,
        share(hits.length, both.length),
        share(causes.length, hits.length),
        falseAlarms,
      ],
      `${seconds(median)}, ${seconds(slowest)}`,
    ],
    faults: faults.map((fault) => `${title}: ${fault}`),
  };
}

/** The programs that were named falsely, and with what. */
function alarmed(results) {
  const named = results.filter(({ falseAlarms = 0 }) => falseAlarms > 0);
  return named
    .map(({ script, saw = [], leaked }) => `${script} (${leaked ? 'a leak' : 'no leak'}, ${saw.join('; ')})`)
    .join(', ');
}

function play(args, env = {}) {
  const json = path.join(scratch, 'results.json');
  fs.rmSync(json, { force: true });
  const { stderr } = spawnSync(
    process.execPath,
    [path.join(corpus, 'run.mjs'), ...args, '--jobs', options.jobs, '--json', json, ...names],
    { cwd: root, env: { ...environmentOfAUser(), ...env }, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] },
  );
  // It exits with 1 where anything was wrong with a case, which is for this script to weigh.
  if (!fs.existsSync(json)) throw new Error(`${corpus} has not run: ${stderr.slice(-400)}`);
  return JSON.parse(fs.readFileSync(json, 'utf8'));
}

/** With a `node` that is attached to. */
function playWrapped(node) {
  const times = path.join(scratch, 'times');
  fs.writeFileSync(times, '');
  const wrapper = path.join(scratch, 'node');
  const watcher = fileURLToPath(new URL('attach-watcher.mjs', import.meta.url));
  // The watcher is nobody's child when the program begins. What the corpus preloads is not loaded.
  fs.writeFileSync(
    wrapper,
    `#!/bin/sh
if [ -n "$CLOSE_WAIT_GUARD_LOG" ]; then
  (setsid '${process.execPath}' '${watcher}' $$ '${cli}' "$CLOSE_WAIT_GUARD_LOG" '${times}' </dev/null >/dev/null 2>&1 &)
fi
unset NODE_OPTIONS CLOSE_WAIT_GUARD_LOG
exec '${node}' --inspect-port=0 "$@"
`,
    { mode: 0o755 },
  );
  const result = play(['--register', register, '--node', wrapper], { SETTLE: options.settle });
  const took = fs.readFileSync(times, 'utf8').split('\n').filter(Boolean);
  const verdicts = took.map((line) => ({ verdictMs: Number.parseInt(line, 10), script: line.split(' ')[1] }));
  return { ...result, verdicts };
}

function copyOf(folder) {
  const copy = path.join(scratch, 'corpus');
  fs.cpSync(folder, copy, { recursive: true });
  if (fs.existsSync(path.join(copy, 'package.json'))) npmInstall(copy, []);
  return copy;
}

function missing(all, some) {
  return all
    .filter((each) => !some.includes(each))
    .map(({ script, saw }) => `${script} (${saw?.join(', ') || 'nothing'})`)
    .join('; ');
}

function share(part, whole) {
  return whole === 0 ? '0' : `${part} (${((100 * part) / whole).toFixed(1)} %)`;
}
