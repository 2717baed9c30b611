import type { EventEmitter } from 'node:events';
import net from 'node:net';
import { Registry } from 'prom-client';
import { expect } from 'vitest';
import { createGuard, type Guard } from '../../src/guard/guard.js';
import type { GuardOptions } from '../../src/guard/options.js';
import { layersOf } from '../../src/layers/stack.js';
import type { LeakReport } from '../../src/leaks/report.js';
import { collectGuardMetrics } from '../../src/metrics/prometheus.js';
import { kernelRows, openFds, socketInode } from './kernel-view.js';
import { valueOf } from './metrics-page.js';
import { expectKernelAgrees, follow, portOf, QUICK, Reclaims } from './reports.js';
import type { Closing, Scenario, Scene } from './scenario.js';
import type { Stage } from './stage.js';
import { until } from './until.js';

export function closingOf(emitter: EventEmitter): Closing {
  const closing = { heard: false };
  emitter.once('close', () => (closing.heard = true));
  return closing;
}

export function errorsOf(emitter: EventEmitter): unknown[] {
  const errors: unknown[] = [];
  emitter.on('error', (error) => errors.push(error));
  return errors;
}

export async function expectLeak(stage: Stage, scenario: Scenario, report: Partial<LeakReport>): Promise<void> {
  const own = guardFor(stage, scenario);
  const elsewhere = follow(own);
  const { port, guard = own, release, unread } = await played(stage, scenario, own);
  const seen = guard === own ? elsewhere : follow(guard, guard.leaks());
  const isOurs = leakOf(port, report);

  const leak = await until('the leak to be reported', () => seen.leaks.find(isOurs));
  expect(leak).toMatchObject(report);
  expectKernelAgrees(leak);
  expect(seen.leaks, 'nobody else is accused').toEqual([leak]);
  if (unread !== undefined) expect(leak.unreadKernelBytes + leak.unreadStreamBytes).toBe(unread);
  expect(leak.ageMs).toBeGreaterThanOrEqual(leak.idleMs);
  expect(leak.idleMs).toBeGreaterThanOrEqual(QUICK.closeWaitTimeout);
  expect(guard.leaks().filter(isOurs)).toMatchObject([{ id: leak.id, kind: leak.kind, cause: leak.cause }]);

  const inode = socketInode(leak.fd);
  const socket = seen.sockets.get(leak.id);
  if (release) {
    release();
  } else {
    expect(socket, 'the socket given to the listener').toBeDefined();
    // undici 7 dies of a socket of its own that closes while its parser is paused, unless an error comes with it.
    if (socket) layersOf(socket, leak.side).at(-1)?.end(new Error('closed by the test'));
  }
  await until('the fd to be closed', () => socketInode(leak.fd) !== inode);
  await until('the release to be reported', () => seen.released.some(({ id }) => id === leak.id));
  expect(guard.leaks().filter(isOurs)).toEqual([]);

  expect(seen.leaks.filter(isOurs)).toHaveLength(1);
  expect(seen.released.filter(isOurs)).toMatchObject([{ id: leak.id, kind: leak.kind }]);
  if (guard !== own) expect(elsewhere.leaks.filter(isOurs), 'reported by a second guard').toEqual([]);
}

export async function expectSilence(stage: Stage, scenario: Scenario, end: 'closed' | 'open'): Promise<void> {
  const guard = guardFor(stage, scenario);
  const seen = follow(guard);
  const { port } = await played(stage, scenario, guard);
  const closed = (): Promise<boolean> => until('every socket of the scenario to be closed', () => !isHeldOpen(port));
  if (end === 'closed') await closed();

  // A real leak, later than all of it: once that is found, the guard has had its time for the others.
  const controlPort = await stage.listen(net.createServer(() => {}));
  await stage.visit(controlPort, 'hello');
  await until('the real leak to be found', () => seen.leaks.some(({ localPort }) => localPort === controlPort));
  expect(seen.leaks.map(({ localPort }) => localPort)).toEqual([controlPort]);
  expect(guard.leaks().map(({ localPort }) => localPort)).toEqual([controlPort]);
  if (end === 'open') expect(isHeldOpen(port)).toBe(true);
  // Again: undici has opened another connection meanwhile where a response was cancelled.
  else await closed();
}

export async function expectReclaim(stage: Stage, scenario: Scenario, report: Partial<LeakReport>): Promise<void> {
  const guard = guardFor(stage, scenario, { reclaim: true });
  const register = new Registry();
  collectGuardMetrics(guard, { register });
  const seen = new Reclaims(guard);
  const { port, closing = {}, errors = {} } = await played(stage, scenario, guard);
  const isOurs = leakOf(port, report);

  const { leak, inode, row } = await until('the socket to be reclaimed', () =>
    seen.reclaimed.find(({ leak }) => isOurs(leak)),
  );
  const reported = seen.leaks.filter((each) => isOurs(each.leak));
  expect(reported, 'leak events').toHaveLength(1);
  expect(reported[0]!.leak).toMatchObject({ ...report, id: leak.id });
  // The kernel's own word: it was half-closed and open, and the fd was gone when the guard said so.
  expect(reported[0]!.row).toMatchObject({ state: '08', inode: reported[0]!.inode });
  expect(inode).not.toBe(reported[0]!.inode);
  expect([...openFds().values()]).not.toContain(`socket:[${reported[0]!.inode}]`);
  expect(row, 'not even LAST_ACK holds the port pair').toBeUndefined();

  expect(Object.keys(closing), 'what the application holds of it').not.toEqual([]);
  for (const [what, each] of Object.entries(closing)) await until(`'close' of the ${what}`, () => each.heard);
  for (const [what, each] of Object.entries(errors)) {
    expect(each, `errors of the ${what}`).toMatchObject([{ name: 'GuardError', code: 'CWG_ERR_RECLAIMED' }]);
  }

  expect(guard.sockets().filter(isOurs)).toEqual([]);
  expect(guard.stats().reclaimed).toEqual({ 'close-wait': 1, reset: 0, stalled: 0 });
  expect(guard.stats().released).toEqual({ 'close-wait': 0, reset: 0, stalled: 0 });
  const page = await register.metrics();
  expect(valueOf(page, 'close_wait_reclaimed_total', { kind: 'close-wait' })).toBe(1);
  expect(valueOf(page, 'close_wait_leaks_total', { kind: 'close-wait' })).toBe(1);
  expect(valueOf(page, 'close_wait_leaked_sockets')).toBe(0);
  expect(valueOf(page, 'close_wait_duration_seconds_count')).toBeGreaterThanOrEqual(1);
  expect(seen.reclaimed.filter((each) => isOurs(each.leak))).toHaveLength(1);
  expect(seen.released).toEqual([]);
  expect(guard.stats().errors).toMatchObject({ sample: 0, callback: 0 });
}

function guardFor(stage: Stage, { closeWaitTimeout }: Scenario, options: GuardOptions = {}): Guard {
  const guard = createGuard({ ...QUICK, ...options, ...(closeWaitTimeout !== undefined && { closeWaitTimeout }) });
  stage.defer(() => guard.close());
  return guard;
}

async function played(stage: Stage, { play }: Scenario, guard: Guard): Promise<Scene> {
  const scene = await play(stage, guard);
  return typeof scene === 'number' ? { port: scene } : scene;
}

/** The client is in this process too: its own end of a connection has the same ports the other way round. */
function leakOf(port: number, { side }: Partial<LeakReport>): (leak: LeakReport) => boolean {
  return (leak) => portOf(leak) === port && (leak.side === 'outbound') === (side === 'outbound');
}

/** Some fd is open on a connection of this port; the listener does not count. */
function isHeldOpen(port: number): boolean {
  return kernelRows().some(
    ({ localPort, remotePort, inode }) =>
      inode !== 0 && remotePort !== 0 && (localPort === port || remotePort === port),
  );
}
