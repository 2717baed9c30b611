/**
 * OpenTelemetry's SDKs on each line of Node, with the programs of test/otel: what the exporters have is held against the kernel, and the
 * events against the spans of the requests that leaked. Prints a row for each and with --write writes its section of docs/proof.md.
 *
 *   node scripts/proof/otel.mjs --write
 *   node scripts/proof/otel.mjs 2/20 3/24         these alone: SDK and Node
 *
 * It uses what `npm run build` has made. The packages are installed once, into test/apis.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { METRIC_FAMILIES } from '../../dist/metrics/families.js';
import { installApi } from '../install-apis.mjs';
import { environmentOfAUser, nodeBinary } from '../npm-cache.mjs';
import { table, writeTable } from './page.mjs';

const ALL = ['2/20', '2/22', '2/24', '2/26', '3/22', '3/24', '3/26'];
const HEAD = [
  'SDK on Node',
  'packages',
  'instruments',
  'in memory',
  'Prometheus exporter',
  'inbound events in their trace',
  'outbound events in their trace',
  'with the preload',
  'verdict',
];
const root = path.join(import.meta.dirname, '../..');
const MOMENTS = { before: 0, leaked: 3, closed: 2, all: 0 };
const PRELOAD = {
  CLOSE_WAIT_GUARD_OTEL: '1',
  CLOSE_WAIT_GUARD_LOG_LEVEL: 'off',
  CLOSE_WAIT_GUARD_TIMEOUT_MS: '300',
  CLOSE_WAIT_GUARD_INTERVAL_MS: '50',
  NODE_OPTIONS: `--import ${path.join(root, 'dist/register.js')}`,
};
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
});
const unknown = positionals.find((name) => !ALL.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`otel: there is no ${unknown}; there are ${ALL.join(', ')}\n`);
  process.exit(2);
}

const rows = (positionals.length > 0 ? positionals : ALL).map((name) => {
  const row = rowOf(name);
  console.log(row.join(' | '));
  return row;
});
console.log(`\n${table(HEAD, rows)}`);
if (options.write) {
  writeTable('otel', {
    title: 'OpenTelemetry',
    text: `The SDKs as an application sets them up, with \`close-wait-guard/otel\` ([how](otel.md)). *In memory* and *Prometheus exporter* count values that
are right, of those looked at: sockets in CLOSE_WAIT and open fds (in memory) as the kernel has them at that moment, and open leaks, each before three leaks, with them, after
one is closed and after all are. *Events in their trace* have the ids of the very span that their request was served in, or was asked for in; *with the preload*
an application that knows nothing of the guard has the event, in a trace.`,
    head: HEAD,
    rows,
    all: positionals.length === 0,
  });
}
process.exitCode = rows.every((row) => row.at(-1) === 'holds') ? 0 : 1;

function rowOf(name) {
  const [sdk, line] = name.split('/');
  const folder = installApi(`otel-${sdk}`);
  const title = `${sdk} on ${line}`;
  try {
    const run = (program, env) => play(folder, nodeBinary(line), program, env);
    const values = run('values');
    const parts = [
      memory(values),
      exporter(values),
      inbound(run('trace')),
      outbound(run('outbound')),
      preload(run('preloaded', PRELOAD)),
    ];
    const instruments = values.all.metrics.length;
    const holds = parts.every(([good, all]) => good === all) && instruments === METRIC_FAMILIES.length + 1;
    return [
      title,
      packagesOf(folder),
      instruments,
      ...parts.map((part) => part.join(' of ')),
      holds ? 'holds' : 'faults',
    ];
  } catch (error) {
    return [title, packagesOf(folder), '', '', '', '', '', '', String(error.message).split('\n', 1)[0]];
  }
}

function play(folder, node, program, env = {}) {
  const { stdout, stderr } = spawnSync(node, [path.join(folder, 'main.mjs'), program], {
    cwd: folder,
    env: { ...environmentOfAUser(), ...env },
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    timeout: 60_000,
  });
  if (stdout === '') throw new Error(`${program} printed nothing: ${stderr.trim().split('\n').at(-1)}`);
  return JSON.parse(stdout);
}

/** How many values are what they should be, of how many. */
function score(checks) {
  return [checks.filter(Boolean).length, checks.length];
}

function memory(seen) {
  return score(
    Object.entries(MOMENTS).flatMap(([moment, open]) => {
      const { metrics, kernel, fds } = seen[moment];
      const sum = (name) =>
        metrics.find((metric) => metric.name === name).points.reduce((total, { value }) => total + value, 0);
      return [
        sum('system.network.connection.count') === kernel,
        sum('process.unix.file_descriptor.count') === fds,
        sum('close_wait_guard.socket.leaked') === open,
      ];
    }),
  );
}

function exporter(seen) {
  return score(
    Object.entries(MOMENTS).flatMap(([moment, open]) => {
      const sum = (name) =>
        [...seen[moment].exporter.matchAll(new RegExp(`^${name}\\{.*\\} (\\S+)$`, 'gm'))].reduce(
          (total, [, value]) => total + Number(value),
          0,
        );
      return [
        sum('system_network_connection_count') === seen[moment].kernel,
        sum('close_wait_guard_socket_leaked') === open,
      ];
    }),
  );
}

function sameSpan(one, other) {
  return one !== undefined && one.spanId === other?.spanId && one.traceId === other.traceId;
}

function inbound({ events, served }) {
  return score(events.map(({ span, attributes }) => sameSpan(span, served[attributes['http.route']])));
}

function outbound({ events, spans, ports }) {
  const wanted = {
    [`http://127.0.0.1:${ports.port}/http`]: spans.http,
    [`http://127.0.0.1:${ports.port}/fetch`]: spans.fetch,
    [`127.0.0.1:${ports.bytesPort}`]: spans.net,
  };
  return score(
    events.map(({ span, attributes }) => sameSpan(span, wanted[attributes['close_wait_guard.destination']])),
  );
}

function preload({ events }) {
  return score(events.map(({ span, eventName }) => eventName === 'close_wait_guard.leak' && span !== undefined));
}

function packagesOf(folder) {
  const versionOf = (name) =>
    JSON.parse(fs.readFileSync(path.join(folder, 'node_modules/@opentelemetry', name, 'package.json'), 'utf8')).version;
  const names = ['api', 'sdk-metrics', 'sdk-logs', 'exporter-prometheus', 'instrumentation-http'];
  return names.map((name) => `${name} ${versionOf(name)}`).join(', ');
}
