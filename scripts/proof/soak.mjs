/**
 * Soak: two million connections to a raw TCP server with the guard preloaded, of which one in a hundred leaks and is released after all.
 * Memory must not grow with the connections, the fds must be as before, and the log must have each leak once.
 *
 *   node scripts/proof/soak.mjs [--connections 2000000] [--write]
 *
 * The client is a small C program (soak/client.c): two million connections take minutes so. Where it can, this runs in a network
 * namespace of its own, so that what other programs leave in TIME_WAIT plays no part.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { environmentOfAUser } from '../npm-cache.mjs';
import { trend } from './soak/trend.mjs';
import { writeTable } from './page.mjs';

const { values } = parseArgs({
  options: { connections: { type: 'string', default: '2000000' }, write: { type: 'boolean', default: false } },
});
const connections = Number(values.connections);
if (!Number.isInteger(connections) || connections < 10_000) {
  process.stderr.write(`soak: --connections takes an integer from 10000 on, got ${values.connections}\n`);
  process.exit(2);
}

/** One in so many leaks. */
const LEAK_EVERY = 100;
/** Measurements of memory; those of the first quarter, in which caches fill and code is compiled, do not count. */
const MEASUREMENTS = 80;
const WARM_UP = MEASUREMENTS / 4;
/**
 * How far each may settle over the whole soak, bytes: the heap by what is compiled and cached late, the resident memory by V8's young
 * generation and by malloc's arenas. Of two million connections 16 MB are 8 bytes each: what is kept of a connection is more.
 */
const MAY_SETTLE_BYTES = { heapUsed: 1_000_000, rss: 16_000_000 };

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
  const server = spawn(
    process.execPath,
    [
      '--expose-gc',
      '--import',
      path.join(root, 'dist/register.js'),
      path.join(import.meta.dirname, 'soak/server.mjs'),
    ].concat(String(Math.floor(connections / MEASUREMENTS)), String(connections)),
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
  let clients;
  for await (const text of createInterface({ input: server.stdout })) {
    const row = JSON.parse(text);
    if (row.port === undefined) rows.push(row);
    else clients = startClients(client, row.port, () => server.kill('SIGKILL'));
  }
  await clients;
  return { rows, log };
}

/** Two, so that the server need not wait for a client's turn. */
async function startClients(client, port, onFailure) {
  const shares = [Math.floor(connections / 2), Math.ceil(connections / 2)];
  await Promise.all(
    shares.map(async (share) => {
      const child = spawn(client, [String(port), String(share), String(LEAK_EVERY)], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const [code] = await once(child, 'close');
      if (code !== 0) onFailure();
    }),
  );
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
    const measured = rows.slice(WARM_UP, MEASUREMENTS);
    const slopes = Object.fromEntries(
      ['heapUsed', 'rss'].map((what) => [what, trend(measured.map((row) => [row.ended, row[what]]))]),
    );
    const faults = [];
    if (last.ended !== connections) faults.push(`${last.ended ?? 0} of ${connections} connections came to their end`);
    for (const [what, { slope, lowest }] of Object.entries(slopes)) {
      if (lowest > 0 && slope * connections > MAY_SETTLE_BYTES[what]) faults.push(`${what} grows`);
    }
    if (last.fds !== last.fdsBefore) faults.push(`${last.fds} fds, ${last.fdsBefore} before`);
    const { told, released, wrong } = await readLog(log);
    if (told !== last.leaked || released !== last.leaked || wrong > 0) {
      faults.push(`${last.leaked} leaked, the log has ${told}, ${released} released, ${wrong} wrongly`);
    }
    const slopeText = ({ slope, lowest, highest }) =>
      `${slope.toFixed(2)} (${lowest.toFixed(2)} to ${highest.toFixed(2)})`;
    const verdict = faults.length === 0 ? 'holds' : faults.join('; ');
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
Slopes are least squares over the last three quarters of the connections, of the heap after a collection and of the resident memory, with their 95 % intervals; *grows* is an interval above 0 and more than ${MAY_SETTLE_BYTES.heapUsed / 1e6} MB of heap or ${MAY_SETTLE_BYTES.rss / 1e6} MB of resident memory over the whole soak.`,
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
