/**
 * Soak: two million connections to a raw TCP server with the guard preloaded, of which one in a hundred leaks and is released after all.
 * Memory must not grow with the connections, the fds must be as before, and the log must have each leak once.
 *
 *   node scripts/proof/soak.mjs [--connections 2000000] [--write] [--json]    (--json: each measurement)
 *
 * The client is a small C program (soak/client.c): two million connections take minutes so. Where it can, this runs in a network
 * namespace of its own, so that what other programs leave in TIME_WAIT plays no part.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { environmentOfAUser } from '../npm-cache.mjs';
import { trend } from './soak/trend.mjs';
import { writeTable } from './page.mjs';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '2000000' },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const connections = Number(values.connections);
if (!Number.isInteger(connections) || connections < 10_000) {
  process.stderr.write(`soak: --connections takes an integer from 10000 on, got ${values.connections}\n`);
  process.exit(2);
}

/** One in so many leaks. */
const LEAK_EVERY = 100;
/**
 * From so many connections on, the first half is long enough, and a slope may not be above 0: its 95 % interval has to hold 0 or be below.
 * A shorter soak can tell no more than whether sockets are kept, which are 2 KB and more each; bytes a connection.
 */
const JUDGED_FROM = 1_000_000;
const WARMING = { heapUsed: 200, rss: 1_000 };
const mayGrow = (what) => (connections >= JUDGED_FROM ? 0 : WARMING[what]);

/** Measurements of memory, so many connections apart that all are over: what is open at the time would be measured too. */
const MEASUREMENTS = connections >= JUDGED_FROM ? 50 : 12;
/** Those of the first half do not count: caches fill, and V8 compiles what is hot, which takes it hundreds of thousands of connections. */
const WARM_UP = MEASUREMENTS / 2;
const root = path.join(import.meta.dirname, '../..');
const NAMESPACE = 'CWG_SOAK_NAMESPACE';

/** Begins again in a network namespace of its own; false where that cannot be had. */
function enteredNamespace() {
  if (process.env[NAMESPACE] !== undefined) return false;
  const script = 'ip link set lo up && exec "$@"';
  const can = spawnSync('unshare', ['-rn', 'sh', '-c', 'ip link set lo up'], { stdio: 'ignore' }).status === 0;
  if (!can) return false;
  const args = ['-rn', 'sh', '-c', script, 'sh', process.execPath, ...process.argv.slice(1)];
  const { status } = spawnSync('unshare', args, { stdio: 'inherit', env: { ...process.env, [NAMESPACE]: '1' } });
  process.exitCode = status ?? 1;
  return true;
}

async function soak(folder) {
  const client = path.join(folder, 'client');
  execFileSync('cc', [
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-o',
    client,
    path.join(import.meta.dirname, 'soak/client.c'),
  ]);
  const log = path.join(folder, 'leaks.jsonl');
  const every = Math.ceil(connections / MEASUREMENTS);
  const server = spawn(
    process.execPath,
    [
      '--expose-gc',
      '--import',
      path.join(root, 'dist/register.js'),
      path.join(import.meta.dirname, 'soak/server.mjs'),
    ].concat(String(every), String(connections)),
    {
      env: {
        ...environmentOfAUser(),
        CLOSE_WAIT_GUARD_LOG: log,
        CLOSE_WAIT_GUARD_TIMEOUT_MS: '300',
        CLOSE_WAIT_GUARD_INTERVAL_MS: '100',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const rows = [];
  let port;
  for await (const text of createInterface({ input: server.stdout })) {
    const row = JSON.parse(text);
    if (values.json) console.log(text);
    if (row.port === undefined) rows.push(row);
    else port = row.port;
    const count = Math.min(every, connections - row.ended);
    if (count > 0) startClients(client, port, count, () => server.kill('SIGKILL'));
  }
  return { rows, log };
}

/** Two, so that the server need not wait for a client's turn. */
function startClients(client, port, count, onFailure) {
  for (const share of [Math.floor(count / 2), Math.ceil(count / 2)]) {
    const args = [String(port), String(share), String(LEAK_EVERY)];
    spawn(client, args, { stdio: ['ignore', 'ignore', 'inherit'] }).once('close', (code) => {
      if (code !== 0) onFailure();
    });
  }
}

/** The lines of the log by event, and the leaks that have not exactly one of each. */
async function readLog(file) {
  const counts = { leak: new Map(), released: new Map(), other: 0 };
  for await (const text of createInterface({ input: fs.createReadStream(file) })) {
    const { event, leak } = JSON.parse(text);
    const count = counts[event];
    if (count) count.set(leak.id, (count.get(leak.id) ?? 0) + 1);
    else counts.other++;
  }
  const once = (id) => counts.leak.get(id) === 1 && counts.released.get(id) === 1;
  const ids = new Set([...counts.leak.keys(), ...counts.released.keys()]);
  return {
    told: counts.leak.size,
    released: counts.released.size,
    wrong: [...ids].filter((id) => !once(id)).length + counts.other,
  };
}

if (!enteredNamespace()) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'soak-'));
  try {
    const startedAt = performance.now();
    const { rows, log } = await soak(folder);
    const seconds = (performance.now() - startedAt) / 1_000;
    const last = rows.at(-1) ?? {};
    const measured = rows.slice(WARM_UP);
    const slopes = Object.fromEntries(
      ['heapUsed', 'rss'].map((what) => [what, trend(measured.map((row) => [row.ended, row[what]]))]),
    );
    const faults = [];
    if (last.ended !== connections) faults.push(`${last.ended ?? 0} of ${connections} connections came to their end`);
    for (const [what, { lowest }] of Object.entries(slopes)) {
      if (!(lowest <= mayGrow(what))) faults.push(`${what} grows`);
    }
    if (last.fds !== last.fdsBefore) faults.push(`${last.fds} fds, ${last.fdsBefore} before`);
    const { told, released, wrong } = await readLog(log);
    if (told !== last.leaked || released !== last.leaked || wrong > 0) {
      faults.push(`${last.leaked} leaked, the log has ${told}, ${released} released, ${wrong} wrongly`);
    }
    const slopeText = ({ slope, lowest, highest }) =>
      `${slope.toFixed(2)} (${lowest.toFixed(2)} to ${highest.toFixed(2)})`;
    const held = connections >= JUDGED_FROM ? 'holds' : 'holds, too short for the slopes';
    const verdict = faults.length === 0 ? held : faults.join('; ');
    const row = [
      connections.toLocaleString('en-US'),
      String(Math.round(seconds)),
      String(last.leaked),
      `${told} / ${released}`,
      slopeText(slopes.heapUsed),
      slopeText(slopes.rss),
      `${last.fdsBefore} / ${last.fds}`,
      verdict,
    ];
    const head = [
      'connections',
      'seconds',
      'leaked',
      'told / released in the log',
      'heap, bytes a connection',
      'RSS, bytes a connection',
      'fds before / after',
      'verdict',
    ];
    head.forEach((name, i) => console.log(`${name}: ${row[i]}`));
    if (values.write) {
      writeTable('soak', {
        title: 'Soak',
        text: `A raw TCP server with the guard preloaded (\`closeWaitTimeout\` 300 ms, a sample every 100 ms). One connection in ${LEAK_EVERY} leaks and is closed after all.
Slopes are least squares over the second half of the connections, at ${MEASUREMENTS / 2} moments with none open, of the heap after a collection and of the resident memory, with their 95 % intervals; *grows* is an interval above 0.`,
        head,
        rows: [row],
        all: true,
      });
    }
    process.exitCode = faults.length === 0 ? 0 : 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
