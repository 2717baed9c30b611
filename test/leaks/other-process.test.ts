import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../src/guard.js';
import { CLOSE_WAIT, kernelRow, openFds } from '../support/kernel-view.js';
import { follow, QUICK, stageOfEachTest } from '../support/leak-case.js';
import { until } from '../support/until.js';

describe('a socket that is closed here and still open in a child', () => {
  const stage = stageOfEachTest();

  it('is a leak until the child closes it', async () => {
    const guard = createGuard(QUICK);
    stage.undo(() => guard.close());
    const seen = follow(guard);
    let accepted: Socket | undefined;
    const server = net.createServer({ pauseOnConnect: true }, (socket) => (accepted = socket));
    const port = await stage.listen(server);
    const client = await stage.connect(port);
    await until('the connection', () => accepted);
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], {
      stdio: ['ignore', accepted, 'ignore'],
    });
    stage.undo(() => child.kill('SIGKILL'));
    await once(child, 'spawn');
    accepted!.destroy();
    await client.halfClose();

    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({
      kind: 'close-wait',
      cause: 'held-by-another-process',
      state: 'CLOSE_WAIT',
      remotePort: client.port,
    });
    const row = kernelRow(port, client.port);
    expect(row?.state).toBe(CLOSE_WAIT);
    const link = `socket:[${row?.inode}]`;
    expect([...openFds().values()]).not.toContain(link);
    expect([...openFds(child.pid).values()]).toContain(link);

    child.kill('SIGKILL');
    await until('the release', () => seen.released.some(({ id }) => id === leak.id));
    expect(kernelRow(port, client.port)?.state).not.toBe(CLOSE_WAIT);
    expect(seen.leaks.filter(({ localPort }) => localPort === port)).toHaveLength(1);
  });
});
