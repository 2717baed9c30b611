// How old a report says that the half-close is, against the clock of the client that sent the FIN.
//
//   node bench/fin-age.mjs [--quick]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { isMain, measureInChild, taskOfChild } from './child.mjs';
import { machineLine } from './machine.mjs';
import { fixed, table } from './render.mjs';
import { quantile } from './stats.mjs';

const SELF = fileURLToPath(import.meta.url);
const DIST = new URL('../dist/', import.meta.url);
const INTERVAL_MS = 1_000;

export async function measureFinAge({ quick, say }) {
  const { errors } = await measureInChild(SELF, { count: quick ? 50 : 400, overMs: quick ? 3_000 : 12_000 });
  const found = {
    count: errors.length,
    p50: quantile(errors, 0.5),
    p99: quantile(errors, 0.99),
    intervalMs: INTERVAL_MS,
  };
  say(`  off by ${fixed(found.p50, 1)} ms (median), ${fixed(found.p99, 1)} ms (99th percentile)`);
  return found;
}

export function renderFinAge({ count, p50, p99 }) {
  return table(
    ['the age of a half-close, against the clock of the client', 'median', '99th percentile', 'half-closes'],
    [['off by, ms', fixed(p50, 1), fixed(p99, 1), `${count}`]],
  );
}

async function inChild({ count, overMs }) {
  const { createGuard } = await import(new URL('index.js', DIST).href);
  const server = createServer((socket) => socket.on('error', () => undefined).pause()).listen(0, '127.0.0.1', 1_024);
  await once(server, 'listening');
  const clients = fork(fileURLToPath(new URL('leaving-clients.mjs', import.meta.url)));
  const ask = async (message) => {
    clients.send(message);
    return (await once(clients, 'message'))[0];
  };
  const guard = createGuard({ closeWaitTimeout: INTERVAL_MS, sampleInterval: INTERVAL_MS, maxReported: count });
  const closedAt = new Map();
  const told = new Promise((resolve) => {
    guard.on('leak', ({ remotePort, ageMs }) => {
      closedAt.set(remotePort, Number(process.hrtime.bigint()) / 1e6 - ageMs);
      if (closedAt.size === count) resolve();
    });
  });
  await ask({ what: 'open', port: server.address().port, host: '127.0.0.1', count });
  const { left } = await ask({ what: 'leave', count, overMs });
  await told;
  const errors = Object.entries(left).map(([port, leftAt]) => Math.abs(closedAt.get(Number(port)) - leftAt));
  clients.send({ what: 'reset' });
  process.send({ errors }, () => process.exit());
}

const task = taskOfChild();
if (task) await inChild(task);
else if (isMain(import.meta.url)) {
  const found = await measureFinAge({ quick: process.argv.includes('--quick'), say: () => {} });
  console.log(`${renderFinAge(found)}\n\n${machineLine()}`);
}
