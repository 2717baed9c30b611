// One trial of the sample's cost: this process holds the sockets, and looks at them in every way there is, in turn.
// argv: sockets, leaks, rounds, timed samples a round, 'all' ways of looking or the 'timed' sample alone, dist/, ms between two samples,
// new connections a second. Sends its times (ms) to the process that forked it.
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median, shuffled } from './stats.mjs';

const [sockets, leaks, rounds, samplesPerRound] = process.argv.slice(2, 6).map(Number);
const [waysWanted, dist] = process.argv.slice(6);
const [SAMPLE_INTERVAL_MS, newPerSecond] = process.argv.slice(8).map(Number);
const { createGuard } = await import(new URL('index.js', dist).href);
const { loadBinding } = await import(new URL('kernel/loader.js', dist).href);
const { dumpSockets } = await import(new URL('kernel/sock-diag.js', dist).href);
const CLOSE_WAIT = 8;
/** While nothing is measured. */
const SETTLE_INTERVAL_MS = 20;
const LISTENERS = 3;
const DEADLINE_MS = 60_000;
/** So that they are known leaks when the samples are timed. The searches then come ten times as often as by default. */
const TIME_OUT_WITH_LEAKS_MS = 6_000;

async function main() {
  // Before any guard: a process that has started another has a search more, whose cost is told apart.
  const clients = fork(fileURLToPath(new URL('./clients.mjs', import.meta.url)));
  // A guard with no timer of note registers all sockets at once in one look: that look's cost is told apart.
  const registering = createGuard({ sampleInterval: 3_600_000 });
  try {
    registering.leaks(); // what only the first look does, and one after the fork
    const servers = await openSockets(clients);
    const registerMs = lookCost(registering) - lookCost(registering);
    await settle(servers);
    const guard = createGuard({
      sampleInterval: SAMPLE_INTERVAL_MS,
      ...(leaks > 0 ? { closeWaitTimeout: TIME_OUT_WITH_LEAKS_MS } : {}),
    });
    for (const server of servers) guard.watch(server);
    registering.close();
    await until(() => guard.stats().watched === sockets, 'all sockets are on the watch');
    await until(() => openLeaks(guard) === leaks, 'all leaks are known');
    if (newPerSecond > 0) await ask(clients, 'churn', servers[0].address().port, newPerSecond);
    const times = await measure(guard);
    const { errors } = guard.stats();
    const failures = Object.values(errors).reduce((sum, count) => sum + count, 0);
    if (failures > 0) throw new Error(`the guard counted errors: ${JSON.stringify(errors)}`);
    guard.close();
    process.send({ times, registerMs, dumpMs: dumpCost(servers) });
    for (const server of servers) server.close();
  } finally {
    clients.send({ what: 'reset' });
  }
  await once(clients, 'exit');
  process.exit();
}

async function openSockets(clients) {
  let accepted = 0;
  const servers = [];
  for (let i = 0; i < LISTENERS + 1; i++) {
    const leaky = i === LISTENERS;
    const count = leaky
      ? leaks
      : Math.floor((sockets - leaks) / LISTENERS) + (i < (sockets - leaks) % LISTENERS ? 1 : 0);
    const server = createServer((socket) => {
      accepted++;
      socket.on('error', () => undefined);
      if (leaky) socket.pause();
      else socket.resume();
    });
    await once(server.listen(0, '127.0.0.1', 1024), 'listening');
    servers.push(server);
    await ask(clients, 'open', server.address().port, count);
  }
  await until(() => accepted === sockets, 'all connections are accepted');
  await ask(clients, 'leave', servers[LISTENERS].address().port);
  return servers;
}

async function ask(clients, what, port, count) {
  clients.send({ what, port, count });
  await once(clients, 'message');
}

/** Before anything is timed: a guard with no patience, and the kernel, see the leaks and nothing else. */
async function settle(servers) {
  const guard = createGuard({ sampleInterval: SETTLE_INTERVAL_MS, closeWaitTimeout: 100 });
  for (const server of servers) guard.watch(server);
  await until(() => guard.leaks().length === leaks, `${leaks} leaks are reported`);
  await until(() => parseProcNetTcp() >= leaks, 'the kernel lists them');
  guard.close();
}

function openLeaks(guard) {
  return guard.stats().leaks.reduce((sum, { open }) => sum + open, 0);
}

async function measure(guard) {
  const ways = {
    'on demand': () => lookCost(guard),
    proc: () => timed(parseProcNetTcp),
    report: () => timed(() => process.report.getReport()),
    ss: () => timed(() => run('ss', ['-tnp', 'state', 'close-wait'])),
    lsof: () => timed(() => run('lsof', ['-nP', '-p', String(process.pid)])),
  };
  if (waysWanted === 'timed') for (const way of Object.keys(ways)) delete ways[way];
  for (const command of ['ss', 'lsof']) if (!isInstalled(command)) delete ways[command];
  // lsof -p without -nP looks up names; process.report likewise unless it leaves the network out, which is the point of it.
  process.report.excludeNetwork = false;
  const times = { timed: [], ...Object.fromEntries(Object.keys(ways).map((way) => [way, []])) };
  await timedSamples(guard, Math.min(samplesPerRound, SAMPLE_INTERVAL_MS < 1_000 ? samplesPerRound : 10)); // warm-up
  for (let round = 0; round < rounds; round++) {
    for (const way of shuffled(['timed', ...Object.keys(ways)])) {
      if (way === 'timed') times.timed.push(...(await timedSamples(guard, samplesPerRound)));
      else times[way].push(ways[way]());
      await sleep(0);
    }
  }
  return times;
}

/** What the guard's own timer spent, sample by sample. */
async function timedSamples(guard, count) {
  const durations = [];
  // The first one after another way of looking runs late and with cold caches, as every sample of a real server does.
  let last = guard.stats().lastSample;
  while (durations.length < count) {
    await sleep(SAMPLE_INTERVAL_MS);
    const { lastSample } = guard.stats();
    if (lastSample === last) continue;
    last = lastSample;
    durations.push(lastSample.durationMs);
  }
  return durations;
}

function lookCost(guard) {
  guard.leaks();
  return guard.stats().lastSample.durationMs;
}

/** What a guard asks the kernel of the sockets that another process holds: of the whole network namespace, clients and all. */
function dumpCost(servers) {
  const { binding } = loadBinding();
  const ports = servers.map((server) => server.address().port);
  const took = Array.from({ length: 5 }, () =>
    timed(() => dumpSockets(binding, [CLOSE_WAIT], ports, { withInfo: true })),
  );
  return median(took);
}

/** As one would write it: every row of the kernel's table, kept when it is CLOSE_WAIT. Returns how many. */
function parseProcNetTcp() {
  const rows = [];
  for (const line of readFileSync('/proc/self/net/tcp', 'latin1').split('\n').slice(1)) {
    const [, local, remote, state, queues, , , , , inode] = line.trim().split(/\s+/);
    if (state === '08') rows.push({ local, remote, queues, inode });
  }
  return rows.length;
}

function timed(work) {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

function run(command, args) {
  const { error, status, stderr } = spawnSync(command, args, { encoding: 'latin1', maxBuffer: 2 ** 27 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
}

function isInstalled(command) {
  return spawnSync(command, ['-v'], { stdio: 'ignore' }).error === undefined;
}

async function until(condition, what) {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`in ${DEADLINE_MS / 1000} s it did not happen that ${what}`);
    await sleep(20);
  }
}

await main();
