import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createGuard, type Guard } from '../../src/guard/guard.js';
import type { LeakReport } from '../../src/leaks/report.js';
import { collectGuardMetrics } from '../../src/metrics/prometheus.js';
import { kernelRow, openFds, socketInode, type KernelRow } from './kernel-view.js';
import { portOf, QUICK, stageOfEachTest } from './leak-case.js';
import { valueOf } from './metrics-page.js';
import type { Stage } from './stage.js';
import { until } from './until.js';

export interface ReclaimScene {
  /** Local port of the leak when it is inbound, remote port when it is outbound. */
  readonly port: number;
  /** What the application holds, by name: each must hear 'close'. */
  readonly closing: Readonly<Record<string, Closing>>;
  /** Where the application listens for errors; each must get the coded one. */
  readonly errors?: Readonly<Record<string, readonly unknown[]>>;
}

export interface ReclaimCase {
  readonly name: string;
  readonly start: (stage: Stage, guard: Guard) => Promise<ReclaimScene>;
  readonly report: Partial<LeakReport>;
}

/** Whether 'close' was heard. */
export interface Closing {
  heard: boolean;
}

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

/** A socket as the kernel has it when the guard first calls it a leak, and when the guard says it destroyed it. */
interface Seen {
  readonly leak: LeakReport;
  readonly socket: Socket | undefined;
  readonly inode: number | undefined;
  readonly row: KernelRow | undefined;
}

export class Reclaims {
  readonly leaks: Seen[] = [];
  /** With what the kernel has right then, inside the event. */
  readonly reclaimed: Pick<Seen, 'leak' | 'inode' | 'row'>[] = [];
  readonly released: LeakReport[] = [];

  constructor(guard: Guard) {
    guard.on('leak', (leak, socket) => {
      const row = kernelRow(leak.localPort!, leak.remotePort!);
      this.leaks.push({ leak, socket, inode: socketInode(leak.fd), row });
    });
    guard.on('reclaimed', (leak) => {
      const row = kernelRow(leak.localPort!, leak.remotePort!);
      this.reclaimed.push({ leak, inode: socketInode(leak.fd), row });
    });
    guard.on('released', (leak) => this.released.push(leak));
  }
}

/** One test for each: the leak is reported once and destroyed at once, everybody concerned hears of it, and it is counted. */
export function testReclaims(cases: readonly ReclaimCase[]): void {
  const stage = stageOfEachTest();
  it.each(cases.map((reclaimCase) => [reclaimCase.name, reclaimCase] as const))(
    '%s',
    async (_name, { start, report }) => {
      const guard = createGuard({ ...QUICK, reclaim: true });
      stage.undo(() => guard.close());
      const register = new Registry();
      collectGuardMetrics(guard, { register });
      const seen = new Reclaims(guard);
      const { port, closing, errors = {} } = await start(stage, guard);
      const isOurs = (leak: LeakReport): boolean =>
        portOf(leak) === port && (leak.side === 'outbound') === (report.side === 'outbound');

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
    },
  );
}
