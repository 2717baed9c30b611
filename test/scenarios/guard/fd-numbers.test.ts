import { closeSync, openSync } from 'node:fs';
import net, { type Server, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import { QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

const fdOf = (owner: Server | Socket): number => (owner as unknown as { _handle: { fd: number } })._handle.fd;

describe('the fd of a half-closed socket that becomes another one before the next sample', () => {
  const stage = stageOfEachTest();

  /** The kernel gives the lowest number that is free. */
  function fillBelow(fd: number): void {
    for (let filler = -1; filler < fd;) {
      const opened = (filler = openSync('/dev/null', 'r'));
      stage.defer(() => closeSync(opened));
    }
  }

  it('a listener, is no fault of the kernel', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    let accepted: Socket | undefined;
    const server = net.createServer({ pauseOnConnect: true }, (socket) => (accepted = socket));
    const port = await stage.listen(server);
    await stage.visit(port, 'hello');
    await until('the leak', () => guard.leaks().find(({ localPort }) => localPort === port));

    const fd = fdOf(accepted!);
    fillBelow(fd);
    accepted!.destroy();
    const next = net.createServer().listen(0);
    stage.defer(() => next.close());
    expect(fdOf(next)).toBe(fd);
    expect(guard.sockets()).toEqual([]);
    expect(guard.leaks()).toEqual([]);
    expect(guard.stats().errors).toMatchObject({ tcp_info: 0, queues: 0 });
  });
});
