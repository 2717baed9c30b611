// As many connections as the machine has room for, in processes of 18,000: what the guards of all of them keep and use, and how soon
// a leak is told.
//
//   node bench/many.mjs [--quick]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMain, measureInChild, taskOfChild } from './child.mjs';
import { machineLine } from './machine.mjs';
import { fixed, table } from './render.mjs';
import { sizesWithin } from './sample.mjs';

const SELF = fileURLToPath(import.meta.url);
const DIST = new URL('../dist/', import.meta.url);
const CONNECTIONS = 100_000;
const IN_A_PROCESS = 18_000;
const INTERVAL_MS = 1_000;
const TIME_OUT_MS = 5_000;
const LEAKS = 5;
/** By then V8 has collected what the opening of the connections has left: once, some 20 s later, with a guard or without. */
const SETTLED_AFTER_S = 30;

export async function measureMany({ quick, say }) {
  const most = Math.min(IN_A_PROCESS, sizesWithin().most);
  const total = quick ? 4_000 : CONNECTIONS;
  const size = quick ? 2_000 : most;
  const processes = Array.from({ length: Math.ceil(total / size) }, (_, i) => ({
    count: Math.min(size, total - i * size),
    // A port pair of its own for each connection: one address has 28,000 ports for its clients.
    host: `127.0.0.${i + 1}`,
    // A lap over all sockets is part of it.
    seconds: quick ? 5 : 60,
    settledAfter: quick ? 1 : SETTLED_AFTER_S,
  }));
  const found = await Promise.all(processes.map((task) => measureInChild(SELF, task)));
  const sum = (of) => found.reduce((all, each) => all + of(each), 0);
  const result = {
    connections: total,
    processes: processes.length,
    bytesASocket: sum(({ bytes }) => bytes) / total,
    shareOfACore: sum(({ share }) => share),
    shareAtFirst: sum(({ atFirst }) => atFirst),
    settledAfter: processes[0].settledAfter,
    told: sum(({ lateMs }) => lateMs.length),
    leaks: processes.length * LEAKS,
    latestMs: Math.max(...found.flatMap(({ lateMs }) => lateMs)),
    intervalMs: INTERVAL_MS,
  };
  say(
    `  ${result.connections} connections: ${fixed(result.bytesASocket, 0)} bytes each, ${fixed(result.shareOfACore * 100, 3)} % of a core, ${result.told} of ${result.leaks} leaks told, the latest ${fixed(result.latestMs, 0)} ms after its time-out`,
  );
  return result;
}

export function renderMany(many) {
  return table(
    [`${many.connections.toLocaleString('en-US')} connections in ${many.processes} processes`, ''],
    [
      ['bytes that a watched socket takes of the JS heap and its buffers', fixed(many.bytesASocket, 0)],
      ['all guards together, % of a core', fixed(many.shareOfACore * 100, 3)],
      [
        `the same in the ${many.settledAfter} s after the connections were opened, with what V8 collects of that`,
        fixed(many.shareAtFirst * 100, 3),
      ],
      ['leaks told', `${many.told} of ${many.leaks}`],
      ['the latest of them after its `closeWaitTimeout`, ms', fixed(many.latestMs, 0)],
    ],
  );
}

async function inChild({ count, host, seconds, settledAfter }) {
  const { createGuard } = await import(new URL('index.js', DIST).href);
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  const sockets = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined).resume()));
  await once(server.listen(0, host, 1_024), 'listening');
  const clients = fork(fileURLToPath(new URL('leaving-clients.mjs', import.meta.url)));
  const ask = async (message) => {
    clients.send(message);
    return (await once(clients, 'message'))[0];
  };
  let guard = createGuard({ sampleInterval: INTERVAL_MS });
  await ask({ what: 'open', port: server.address().port, host, count });
  while (guard.stats().watched < count) await sleep(200);

  const used = () => {
    // What is garbage of the first collection is garbage of weak references in the second.
    for (let i = 0; i < 4; i++) gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  await sleep(2 * INTERVAL_MS);
  const watching = used();
  const atFirst = await cpuShare(settledAfter);
  const share = await cpuShare(seconds);

  // One that does not take a minute to tell of a leak. It finds the table as the other has left it.
  const patient = guard;
  guard = createGuard({ closeWaitTimeout: TIME_OUT_MS, sampleInterval: INTERVAL_MS });
  patient.close();
  for (const socket of sockets) socket.pause();

  const late = [];
  const told = new Promise((resolve) => {
    guard.on('leak', ({ remotePort }) => {
      late.push([remotePort, Number(process.hrtime.bigint()) / 1e6]);
      if (late.length === LEAKS) resolve();
    });
  });
  const { left } = await ask({ what: 'leave', count: LEAKS });
  await Promise.race([told, sleep(TIME_OUT_MS * 4)]);
  const lateMs = late.map(([port, atMs]) => atMs - left[port] - TIME_OUT_MS);

  guard.close();
  guard = undefined;
  await sleep(INTERVAL_MS);
  const bytes = watching - used();
  const without = await cpuShare(Math.ceil(seconds / 3));
  clients.send({ what: 'reset' });
  process.send({ bytes, share: Math.max(0, share - without), atFirst, lateMs }, () => process.exit());
}

async function cpuShare(seconds) {
  const [before, startedAt] = [process.cpuUsage(), performance.now()];
  await sleep(seconds * 1_000);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / (performance.now() - startedAt);
}

const task = taskOfChild();
if (task) await inChild(task);
else if (isMain(import.meta.url)) {
  const many = await measureMany({ quick: process.argv.includes('--quick'), say: () => {} });
  console.log(`${renderMany(many)}\n\n${machineLine()}`);
}
