// What the guard does while a call fails. Each scenario has a part before the fault (`before`), the part under it (`under`), and what
// must be true once the fault is over (`after`). What a scenario opens it gives to `cell.defer`.
import fs from 'node:fs';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { execFileSync, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGuard } from 'close-wait-guard';
import { findLeakedSockets } from 'close-wait-guard/testing';
import { collectGuardMetrics } from 'close-wait-guard/prometheus';
import { Registry } from 'prom-client';
import { writeNow } from '../../../dist/kernel/write-now.js';
import { until } from './host.mjs';

/** Longer than a process may wait for its turn on a busy machine while it counts as on time (SLACK_MS of the loop clock), ms. */
export const TIMEOUT_MS = 60;
const STEP_MS = 4;
/** How often a guard may look while a call fails. */
const LOOKS = 24;
const ON_DEMAND = { closeWaitTimeout: TIMEOUT_MS, sampleInterval: 0 };

function guardIn(cell, options = ON_DEMAND) {
  const guard = createGuard(options);
  cell.guards.push(guard);
  guard.on('leak', (report, socket) => cell.told.push({ ...report, port: cell.cast.portOf(report, socket) }));
  guard.watch(cell.host.leaky, { name: 'leaky' });
  cell.defer(() => guard.close());
  return guard;
}

/** Looks again and again, as a scrape would, until all leaks are told or it was often enough. */
async function look(cell, guard, atMost = LOOKS) {
  for (let i = 0; i < atMost && !cell.allTold(); i++) {
    cell.cast.step();
    guard.leaks();
    await sleep(STEP_MS);
  }
}

/** All leaks are told now that nothing fails any more, unless the guard said that it cannot work here. */
async function lookUntilTold(cell, guard) {
  if (!guard.supported) return;
  await until('the leaks to be told', () => {
    cell.cast.step();
    guard.leaks();
    return cell.allTold();
  });
}

/** A guard is made while the sockets are there already: nothing has announced them. */
const start = {
  before: (cell) => cell.cast.enter(cell.host),
  under: async (cell) => {
    cell.guard = guardIn(cell);
    await look(cell, cell.guard);
  },
  after: (cell) => lookUntilTold(cell, cell.guard),
  unannounced: true,
};

/** A guard that works, and then connections that come while a call fails. */
const watch = {
  before: (cell) => void (cell.guard = guardIn(cell)),
  under: async (cell) => {
    await cell.cast.enter(cell.host);
    await look(cell, cell.guard);
  },
  after: (cell) => lookUntilTold(cell, cell.guard),
};

/** The same with a guard that samples by itself. */
const timed = {
  before: (cell) => void (cell.guard = guardIn(cell, { closeWaitTimeout: TIMEOUT_MS, sampleInterval: 10 })),
  under: async (cell) => {
    await cell.cast.enter(cell.host);
    await waitTimed(cell, 200);
  },
  after: (cell) => waitTimed(cell, 5_000),
};

async function waitTimed(cell, ms) {
  const deadline = performance.now() + ms;
  while (!cell.allTold() && performance.now() < deadline) {
    cell.cast.step();
    await sleep(STEP_MS);
  }
}

/** Numbers and a page of metrics, of leaks that are known. */
const scrape = {
  before: async (cell) => {
    cell.guard = guardIn(cell);
    cell.register = new Registry();
    collectGuardMetrics(cell.guard, { register: cell.register });
    await cell.cast.enter(cell.host);
    await lookUntilTold(cell, cell.guard);
  },
  under: async (cell) => {
    for (let i = 0; i < 2; i++) {
      cell.cast.step();
      const page = await cell.register.metrics();
      if (!/^close_wait_leaked_sockets\{/m.test(page)) cell.fault('the page of metrics has no count of leaks');
      cell.guard.stats();
      cell.guard.health();
      await sleep(STEP_MS);
    }
  },
  after: async (cell) => {
    cell.cast.step();
    const { errors } = cell.guard.stats();
    const page = await cell.register.metrics();
    const counted = Object.values(errors).reduce((sum, count) => sum + count, 0);
    if (counted > 0 && !/^close_wait_guard_errors_total\{.*\} [1-9]/m.test(page))
      cell.fault('the page does not count the error');
  },
};

/** Leaks are ended, and nothing else is. */
const reclaim = {
  before: (cell) => cell.cast.enter(cell.host),
  under: async (cell) => {
    cell.guard = guardIn(cell, { ...ON_DEMAND, reclaim: true });
    cell.guard.on('reclaimed', ({ id }) => cell.reclaimed.push(id));
    await look(cell, cell.guard);
  },
  after: async (cell) => {
    await lookUntilTold(cell, cell.guard);
    if (cell.cast.aHealthyOneIsEnded()) cell.fault('a healthy socket was ended');
  },
  unannounced: true,
};

/** A process that has started another also asks sock_diag for connections that only its children have. */
const children = {
  before: async (cell) => {
    cell.guard = guardIn(cell);
    await once(spawn('true', { stdio: 'ignore' }), 'exit');
  },
  under: async (cell) => {
    await cell.cast.enter(cell.host);
    await look(cell, cell.guard);
  },
  after: (cell) => lookUntilTold(cell, cell.guard),
};

/** What a test calls: it waits for FINs that are on their way, and asks sock_diag for them. */
const test = {
  before: (cell) => cell.cast.enter(cell.host),
  under: (cell) => findInTest(cell),
  after: async (cell) => {
    const found = await findInTest(cell);
    const missed = cell.cast.leaks.filter((port) => !found.some(({ remotePort }) => remotePort === port));
    if (missed.length > 0) cell.fault(`findLeakedSockets() missed ${missed.length} of the leaks`);
  },
  /** It tells its caller, and has no `leak` event. */
  noGuard: true,
};

async function findInTest(cell) {
  cell.cast.step();
  const found = await findLeakedSockets({ deadlineMs: 20 });
  const [idle] = cell.cast.healthy;
  if (found.some(({ remotePort }) => remotePort === idle)) cell.fault('findLeakedSockets() named an idle socket');
  return found;
}

/** The log on an inherited fd: what was said to be written is what the reader gets, in order and once. */
const write = {
  before: async (cell) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nth-call-'));
    cell.defer(() => fs.rmSync(folder, { recursive: true }));
    const fifo = path.join(folder, 'log');
    execFileSync('mkfifo', [fifo]);
    cell.reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    cell.writer = fs.openSync(fifo, fs.constants.O_WRONLY);
    cell.defer(() => (fs.closeSync(cell.reader), fs.closeSync(cell.writer)));
    cell.pair = await cell.host.connect();
    cell.defer(() => {
      cell.pair.client.destroy();
      cell.pair.socket.destroy();
      return Promise.all([once(cell.pair.client, 'close'), once(cell.pair.socket, 'close')]);
    });
  },
  under: (cell) => {
    const fds = { fifo: cell.writer, socket: cell.pair.socket._handle.fd };
    cell.sent = {};
    for (const [name, fd] of Object.entries(fds)) {
      cell.sent[name] = '';
      for (let i = 0; i < 6; i++) {
        const line = `line ${i} ${'x'.repeat(300)}\n`;
        const written = writeNow(fd, Buffer.from(line));
        if (written > line.length) cell.fault(`${written} bytes of ${line.length} were written`);
        cell.sent[name] += line.slice(0, Math.max(0, written));
      }
    }
  },
  after: async (cell) => {
    const buffer = Buffer.alloc(65_536);
    const got = cell.sent.fifo === '' ? '' : buffer.toString('latin1', 0, fs.readSync(cell.reader, buffer));
    if (got !== cell.sent.fifo) cell.fault(`the FIFO got ${got.length} bytes, ${cell.sent.fifo.length} were told`);
    let text = '';
    cell.pair.client.on('data', (chunk) => (text += chunk));
    await until('the socket to have what was told', () => text.length >= cell.sent.socket.length);
    if (text !== cell.sent.socket) cell.fault('the socket got other bytes than were told');
  },
  /** Nothing is counted where there is no guard: the log keeps the line and tries again. */
  noGuard: true,
};

export const SCENARIOS = { start, watch, timed, scrape, reclaim, children, test, write };
