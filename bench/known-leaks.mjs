// What thousands of known leaks cost: a timed sample, a scrape, stats(), leaks(), and the CPU of a process that only has them. And what
// one new leak costs with its diagnosis.
//
//   node bench/known-leaks.mjs [leaks, default 9000] [--quick]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMain, measureInChild, taskOfChild } from './child.mjs';
import { machineLine } from './machine.mjs';
import { fixed, table } from './render.mjs';
import { median } from './stats.mjs';

const SELF = fileURLToPath(import.meta.url);
const DIST = new URL('../dist/', import.meta.url);
const INTERVAL_MS = 1_000;
/** Enough for the JIT to have seen what a leak needs. */
const WARM_UP = 1_000;
const NEW_LEAKS = 500;

export async function measureKnownLeaks({ quick, say, count = quick ? 900 : 9_000 }) {
  const known = await measureInChild(SELF, { what: 'known', count, rounds: quick ? 3 : 10 });
  const { micros } = await measureInChild(SELF, { what: 'new', rounds: quick ? 2 : 6 });
  say(`  ${count} known leaks: worst sample ${fixed(known.worst, 1)} ms; a new leak ${fixed(median(micros), 0)} µs`);
  return { count, ...known, newMicros: median(micros) };
}

export function renderKnownLeaks({ count, worst, middle, share, scrape, stats, leaks, newMicros }) {
  return table(
    [`${count.toLocaleString('en-US')} known leaks`, ''],
    [
      ['longest turn of the event loop in a sample, ms: median', fixed(middle, 1)],
      ['the same: worst', fixed(worst, 1)],
      ['a process that has them and nothing else, % of a core', fixed(share * 100, 2)],
      ['a scrape, ms', fixed(scrape, 1)],
      ['`guard.stats()`, ms', fixed(stats, 1)],
      ['`guard.leaks()`, ms', fixed(leaks, 1)],
      ['a new leak with its diagnosis, µs', fixed(newMicros, 0)],
    ],
  );
}

async function openLeaks(count, options) {
  const { createGuard } = await import(new URL('index.js', DIST).href);
  const server = net.createServer((socket) => socket.on('error', () => undefined).pause());
  await once(server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }), 'listening');
  const clients = fork(fileURLToPath(new URL('leaving-clients.mjs', import.meta.url)));
  const ask = async (message) => {
    clients.send(message);
    return (await once(clients, 'message'))[0];
  };
  const guard = createGuard(options);
  await ask({ what: 'open', port: server.address().port, host: '127.0.0.1', count });
  return { guard, ask, done: (result) => process.send(result, () => process.exit()) };
}

const tasks = {
  async known({ count, rounds }) {
    const { Registry } = await import('prom-client');
    const { collectGuardMetrics } = await import(new URL('prometheus.js', DIST).href);
    const { guard, ask, done } = await openLeaks(count, { closeWaitTimeout: 1_000, sampleInterval: INTERVAL_MS });
    const register = new Registry();
    collectGuardMetrics(guard, { register });
    await ask({ what: 'leave', count });
    const found = () => guard.stats().leaks.reduce((sum, { open }) => sum + open, 0);
    while (found() < count) await sleep(250);

    const samples = [];
    const [cpu, startedAt] = [process.cpuUsage(), performance.now()];
    for (let i = 0; i < rounds; i++) {
      await sleep(INTERVAL_MS);
      samples.push(guard.stats().lastSample.durationMs);
    }
    // stats() is asked once a sample to read the sample's own figure; its cost is taken off.
    const { user, system } = process.cpuUsage(cpu);
    const elapsed = performance.now() - startedAt;
    const stats = await medianOf(rounds, () => guard.stats());
    const share = Math.max(0, (user + system) / 1_000 - rounds * stats) / elapsed;
    const scrape = await medianOf(rounds, () => register.metrics());
    const leaks = await medianOf(Math.min(rounds, 3), () => guard.leaks());
    done({ middle: median(samples), worst: Math.max(...samples), share, stats, scrape, leaks });
  },

  /** What a sample with so many new leaks takes beyond the next one, for which they are known. */
  async new({ rounds }) {
    const count = WARM_UP + rounds * NEW_LEAKS;
    const { guard, ask, done } = await openLeaks(count, {
      closeWaitTimeout: 1_000,
      sampleInterval: 0,
      maxReported: count,
    });
    const took = () => {
      guard.leaks();
      return guard.stats().lastSample.durationMs;
    };
    const micros = [];
    for (let round = 0; round <= rounds; round++) {
      const open = guard.leaks().length;
      const more = round === 0 ? WARM_UP : NEW_LEAKS;
      await ask({ what: 'leave', count: more });
      while (guard.stats().halfClosed.reduce((sum, each) => sum + each.count, 0) < open + more) {
        guard.sockets();
        await sleep(50);
      }
      await sleep(2_000);
      const due = took();
      const known = Math.min(took(), took(), took());
      if (guard.leaks().length !== open + more) throw new Error('not every leak was told in one sample');
      if (round > 0) micros.push(((due - known) * 1_000) / more);
    }
    done({ micros });
  },
};

/** Further apart than the census of a scrape is kept. */
async function medianOf(rounds, call) {
  const taken = [];
  for (let i = 0; i < rounds; i++) {
    await sleep(1_100);
    const startedAt = performance.now();
    await call();
    taken.push(performance.now() - startedAt);
  }
  return median(taken);
}

const task = taskOfChild();
if (task) await tasks[task.what](task);
else if (isMain(import.meta.url)) {
  const count = Number(process.argv.slice(2).find((text) => /^\d+$/.test(text))) || undefined;
  const known = await measureKnownLeaks({ quick: process.argv.includes('--quick'), say: () => {}, count });
  console.log(`${renderKnownLeaks(known)}\n\n${machineLine()}`);
}
