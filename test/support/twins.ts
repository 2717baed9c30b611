import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../src/guard/guard.js';
import type { LeakReport } from '../../src/leaks/report.js';
import { kernelRows } from './kernel-view.js';
import { expectKernelAgrees, follow, portOf, QUICK, stageOfEachTest } from './leak-case.js';
import type { Stage } from './stage.js';
import { until } from './until.js';

/** What is done with a library, badly and well. */
export interface Twins {
  readonly name: string;
  /** Plays it to the point where the peer has gone, and returns the port (local when inbound, remote when outbound). */
  readonly play: (stage: Stage, well: boolean) => Promise<number>;
  /** What the report of the bad one says; undefined when there is no bad one. */
  readonly report: Partial<LeakReport> | undefined;
}

/** Two tests for each: the bad one is found and told truly, the good one is silent and closed. */
export function testTwins(all: readonly Twins[]): void {
  const stage = stageOfEachTest();
  const guarded = () => {
    const guard = createGuard(QUICK);
    stage.undo(() => guard.close());
    return { guard, seen: follow(guard) };
  };
  const bad = all.flatMap(({ name, play, report }) => (report ? [[name, play, report] as const] : []));

  describe('a leak', () => {
    it.each(bad)('%s', async (_name, play, report) => {
      const { guard, seen } = guarded();
      const port = await play(stage, false);
      const isOurs = (leak: LeakReport): boolean =>
        portOf(leak) === port && (leak.side === 'outbound') === (report.side === 'outbound');
      const leak = await until('the leak', () => seen.leaks.find(isOurs));
      expect(leak).toMatchObject(report);
      expectKernelAgrees(leak);
      expect(seen.leaks, 'nobody else is accused').toEqual([leak]);
      const socket = seen.sockets.get(leak.id)!;
      // undici 7 dies of a socket of its own that closes while its parser is paused, unless an error comes with it.
      socket.destroy(socket.listenerCount('error') > 0 ? new Error('closed by the test') : undefined);
      await until('the release', () => seen.released.some(({ id }) => id === leak.id));
      expect(guard.leaks()).toEqual([]);
    });
  });

  describe('no leak', () => {
    it.each(all.map(({ name, play }) => [name, play] as const))('%s, done well', async (_name, play) => {
      const { seen } = guarded();
      const port = await play(stage, true);
      await until('every socket of it to be closed', () => !isHeldOpen(port));
      // A real leak, later than all of it: once that is found, the guard has had its time for the others.
      const controlPort = await stage.listen(net.createServer(() => {}));
      await stage.visit(controlPort, 'hello');
      await until('the real leak', () => seen.leaks.some(({ localPort }) => localPort === controlPort));
      expect(seen.leaks.map(({ localPort }) => localPort)).toEqual([controlPort]);
    });
  });
}

/** Some fd is open on a connection of this port; the listener does not count. */
function isHeldOpen(port: number): boolean {
  return kernelRows().some(
    ({ localPort, remotePort, inode }) =>
      inode !== 0 && remotePort !== 0 && (localPort === port || remotePort === port),
  );
}
