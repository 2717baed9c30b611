// Plays one case: starts its program under the guard, is its peers, and compares the guard's log with the kernel's truth.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isHeld, processTree } from './kernel.mjs';
import { Peers, until } from './peers.mjs';

/** What the guard is set to: a leak is a leak after this time. */
export const TIMEOUT_MS = 600;
const INTERVAL_MS = 100;
const ATTACHED_AFTER_MS = 3_000;
const host = fileURLToPath(new URL('host.mjs', import.meta.url));

/** @returns what became of it, in the form that scripts/test-matrix.mjs reads */
export async function play({ id, file, name, scenario }, { node, register, attach, log, sizes }) {
  const { expect } = scenario;
  const identity = {
    script: id,
    truth: expect.silent === undefined ? 'leak' : 'healthy',
    kind: expect.kind,
    causes: [expect.cause ?? []].flat(),
    side: expect.side,
  };
  const upstream = scenario.upstream?.(sizes);
  let child;
  const peers = new Peers(undefined, sizes);
  try {
    const upstreamPort = upstream === undefined ? 0 : await listen(upstream, peers);
    child = start(node, register, log, [file, name, String(upstreamPort)]);
    const port = await child.listening;
    peers.port = port;
    await scenario.peer?.(peers);

    // The port pair that is judged: the program's own, or that of whom it connected to.
    const judged = expect.side === 'outbound' || port === undefined ? upstreamPort : port;
    let attached;
    let wasThere = false;
    const reports = () => attached?.leaks ?? leaksIn(log);
    const isHit = (leak) => (expect.side === 'outbound' ? leak.remotePort : leak.localPort) === judged;
    const leaks = () => isHeld(expect.kind, expect.side, judged, processTree(child.pid));
    if (attach !== undefined) {
      // As an operator would: to a process that has leaked for a while, or has looked as if it did.
      await sleep(Math.max(ATTACHED_AFTER_MS, expect.watchMs ?? 0));
      wasThere = leaks();
      attached = await lookInto(child.pid, { node, attach });
    } else if (expect.silent === undefined) {
      // What ends by itself leaks on no such Node; the rest has to be found.
      await until('a report', () => reports().some(isHit) || !child.alive(), 10 * TIMEOUT_MS).catch(() => {});
      await sleep(2 * TIMEOUT_MS);
    } else {
      await sleep(expect.watchMs ?? 4 * TIMEOUT_MS);
    }
    if (!child.alive()) throw new Error(`the program ended: ${child.errors()}`);
    if (expect.looksLike !== undefined && !isHeld(expect.looksLike, expect.side, judged, processTree(child.pid)))
      throw new Error(`it does not look like a leak: no socket of it is ${expect.looksLike}`);
    // What ends while it is looked into was a leak all the same: the collector may close what nobody holds any more.
    const leaked = expect.silent === undefined && (wasThere || leaks());
    return { ...identity, ...judge(expect, leaked, reports(), isHit), verdictMs: attached?.tookMs };
  } catch (error) {
    return { ...identity, error: `${error.message}${child ? ` ${child.errors()}` : ''}`.slice(0, 600) };
  } finally {
    peers.end();
    upstream?.close();
    await child?.stop();
  }
}

/** Runs the command on a program. @returns its leaks, and how long it took to say so */
async function lookInto(pid, { node, attach }) {
  const startedAt = performance.now();
  const { status, stdout, stderr } = await new Promise((resolve) => {
    execFile(
      node,
      [attach, 'attach', String(pid), '--yes', '--json'],
      { maxBuffer: 1 << 26, timeout: 60_000 },
      (error, stdout, stderr) => resolve({ status: error?.code ?? 0, stdout, stderr }),
    );
  });
  if (status !== 0 && status !== 1) throw new Error(`attach ended with ${status}: ${stderr}`);
  return { leaks: JSON.parse(stdout).leaks, tookMs: Math.round(performance.now() - startedAt) };
}

function judge(expect, leaked, reports, isHit) {
  const hits = reports.filter(isHit);
  const strangers = reports.filter((report) => !isHit(report));
  const saw = reports.map(({ kind, cause, side, method = '', route, destination, server = '' }) =>
    `${kind}/${cause}/${side} ${method} ${route ?? destination ?? ''} ${server}`.replace(/ +/g, ' '),
  );
  return {
    leaked,
    detected: leaked && hits.length > 0,
    // One leak is one report.
    falseAlarms: leaked ? strangers.length + Math.max(0, hits.length - 1) : reports.length,
    kindOk: hits.some(({ kind }) => kind === expect.kind),
    causeOk: hits.some(({ cause }) => [expect.cause].flat().includes(cause)),
    sideOk: hits.some(({ side }) => side === expect.side),
    ownerOk: hits.some((report) => owns(expect.owner ?? {}, report)),
    saw,
  };
}

function owns(owner, report) {
  return Object.entries(owner).every(([field, wanted]) =>
    wanted instanceof RegExp ? wanted.test(report[field] ?? '') : report[field] === (wanted ?? undefined),
  );
}

/** Starts what a program connects to, in this process. @returns its port */
export async function listen(server, peers) {
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    peers.undo(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

/** Starts a program under the guard. */
export function start(node, register, log, args) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(CLOSE_WAIT_GUARD|NODE_OPTIONS$)/.test(name));
  const child = fork(host, args, {
    execPath: node,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {
      ...Object.fromEntries(inherited),
      NODE_OPTIONS: ['--no-warnings', register === undefined ? '--inspect-port=0' : `--import=${register}`].join(' '),
      CLOSE_WAIT_GUARD_TIMEOUT_MS: String(TIMEOUT_MS),
      CLOSE_WAIT_GUARD_INTERVAL_MS: String(INTERVAL_MS),
      CLOSE_WAIT_GUARD_LOG: log,
    },
  });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-400)));
  const ended = once(child, 'exit');
  const listening = Promise.race([
    once(child, 'message').then(([{ port }]) => port),
    ended.then(([code]) => Promise.reject(new Error(`the program ended with ${code}: ${errors}`))),
  ]);
  // Awaited by the case, if it comes to that.
  listening.catch(() => {});
  return {
    pid: child.pid,
    listening,
    alive: () => child.exitCode === null && child.signalCode === null,
    errors: () => errors,
    stop: async () => {
      for (const pid of processTree(child.pid).slice(1)) process.kill(pid, 'SIGKILL');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The reports that the guard has written so far. */
export function leaksIn(log) {
  if (!fs.existsSync(log)) return [];
  const lines = fs.readFileSync(log, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line)).flatMap(({ event, leak }) => (event === 'leak' ? leak : []));
}
