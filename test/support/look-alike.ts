import net from 'node:net';
import { expect, it } from 'vitest';
import { createGuard } from '../../src/guard/guard.js';
import type { LeakReport } from '../../src/leaks/report.js';
import { kernelRows } from './kernel-view.js';
import { follow, QUICK, stageOfEachTest } from './leak-case.js';
import type { Stage } from './stage.js';
import { until } from './until.js';

export interface LookAlike {
  readonly name: string;
  /** Long enough for what the scenario takes its time for; QUICK's when it takes none. */
  readonly closeWaitTimeout?: number;
  /** Plays the scenario to its own end and returns the port (local when inbound, remote when outbound). */
  readonly play: (stage: Stage) => Promise<number>;
  /** Its sockets stay open and well; otherwise every one of them must be closed in the end. */
  readonly staysOpen?: boolean;
}

/** One test for each: the scenario runs to its end, and nothing on its port is ever called a leak. */
export function testLookAlikes(cases: readonly LookAlike[]): void {
  const stage = stageOfEachTest();
  it.each(cases.map((lookAlike) => [lookAlike.name, lookAlike] as const))('%s', async (_name, lookAlike) => {
    const { closeWaitTimeout = QUICK.closeWaitTimeout, play, staysOpen = false } = lookAlike;
    const guard = createGuard({ ...QUICK, closeWaitTimeout });
    stage.undo(() => guard.close());
    const seen = follow(guard);
    const port = await play(stage);
    if (!staysOpen) await until('every socket of the scenario to be closed', () => !isHeldOpen(port));

    // A real leak, later than all of it: once that is found, the guard has had its time for the others.
    const controlPort = await stage.listen(net.createServer(() => {}));
    await stage.visit(controlPort, 'hello');
    await until('the real leak to be found', () => seen.leaks.some(({ localPort }) => localPort === controlPort));

    const accused = (leak: LeakReport): boolean => leak.localPort === port || leak.remotePort === port;
    expect(seen.leaks.filter(accused)).toEqual([]);
    expect(guard.leaks().filter(accused)).toEqual([]);
    expect(isHeldOpen(port)).toBe(staysOpen);
  });
}

/** Some fd is open on a connection of this port; the listener does not count. */
function isHeldOpen(port: number): boolean {
  return kernelRows().some(
    ({ localPort, remotePort, inode }) =>
      inode !== 0 && remotePort !== 0 && (localPort === port || remotePort === port),
  );
}
