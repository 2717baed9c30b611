// What thousands of known leaks cost: a timed sample, a scrape, stats(), leaks(), and the CPU of a process that only has them.
//
//   node bench/known-leaks.mjs [leaks, default 9000]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Registry } from 'prom-client';
import { createGuard } from 'close-wait-guard';
import { collectGuardMetrics } from 'close-wait-guard/prometheus';
import { machineLine } from './machine.mjs';

const INTERVAL_MS = 1_000;
const ROUNDS = 10;

if (process.argv[2] === 'clients') await beClients(Number(process.argv[3]), Number(process.argv[4]));
else await measure(Number(process.argv[2] ?? 9_000));

async function beClients(port, count) {
  const sockets = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(100, count - sockets.length) }, () => net.connect(port, '127.0.0.1'));
    await Promise.all(some.map((socket) => once(socket, 'connect')));
    sockets.push(...some);
  }
  for (const socket of sockets) socket.end('hello');
  process.send('left');
  // They stay until the other end is gone.
  setInterval(() => {}, 60_000);
}

async function measure(count) {
  const server = net.createServer(() => {}).listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
  await once(server, 'listening');
  const clients = fork(fileURLToPath(import.meta.url), ['clients', server.address().port, count]);
  const guard = createGuard({ closeWaitTimeout: 1_000, sampleInterval: INTERVAL_MS });
  const register = new Registry();
  collectGuardMetrics(guard, { register });
  await once(clients, 'message');
  const found = () => guard.stats().leaks.reduce((sum, { open }) => sum + open, 0);
  while (found() < count) await sleep(250);

  const samples = [];
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  for (let i = 0; i < ROUNDS; i++) {
    await sleep(INTERVAL_MS);
    samples.push(guard.stats().lastSample.durationMs);
  }
  // stats() is asked once a sample to read the sample's own figure; its cost is taken off.
  const { user, system } = process.cpuUsage(cpu);
  const elapsed = performance.now() - startedAt;
  const stats = await times(() => guard.stats());
  const share = ((user + system) / 1_000 - ROUNDS * median(stats)) / elapsed;

  console.log(machineLine());
  console.log(`${count} known leaks, a sample every ${INTERVAL_MS} ms`);
  console.log(`sample    median ${median(samples).toFixed(1)} ms, worst ${Math.max(...samples).toFixed(1)} ms`);
  console.log(`at rest   ${(share * 100).toFixed(2)} % of a core`);
  console.log(`scrape    ${summary(await times(() => register.metrics()))}`);
  console.log(`stats()   ${summary(stats)}`);
  console.log(`leaks()   ${summary(await times(() => guard.leaks()))}`);
  clients.kill('SIGKILL');
  process.exit(0);
}

/** Further apart than the census of a scrape is kept. */
async function times(call) {
  const taken = [];
  for (let i = 0; i < ROUNDS; i++) {
    await sleep(1_100);
    const startedAt = performance.now();
    await call();
    taken.push(performance.now() - startedAt);
  }
  return taken;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function summary(values) {
  return `median ${median(values).toFixed(1)} ms, worst ${Math.max(...values).toFixed(1)} ms`;
}
