import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import { follow, QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { environmentOfAUser, jsonOf, outcomeOf, programs, root, type Outcome } from '../../support/programs.js';
import { until } from '../../support/until.js';

describe('many sockets', () => {
  const stage = stageOfEachTest();

  async function connectMany(port: number, count: number): Promise<Socket[]> {
    const sockets = Array.from({ length: count }, () => net.connect(port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    return sockets;
  }

  it('that stay open are all on the watch, and none is left on it when they are closed', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const port = await stage.listen(net.createServer((socket) => socket.resume()));
    const sockets = await connectMany(port, 400);
    await until('both ends of all to be watched', () => guard.stats().watched === 800);
    expect(guard.sockets()).toEqual([]);
    for (const socket of sockets) socket.destroy();
    await until('the watch to be empty', () => guard.stats().watched === 0);
    expect(guard.stats()).toMatchObject({ pending: 0, errors: { watch_add: 0, sample: 0, fd_walk: 0 } });
  });

  it.each([50, 0])('that come and go leave no entry (sampleInterval %i)', async (sampleInterval) => {
    const guard = createGuard({ ...QUICK, sampleInterval });
    stage.defer(() => guard.close());
    const seen = follow(guard);
    let accepted = 0;
    const server = net.createServer((socket) => {
      accepted++;
      socket.resume();
    });
    const port = await stage.listen(server);
    for (let round = 0; round < 20; round++) {
      const sockets = await connectMany(port, 100);
      for (const socket of sockets) socket.end();
      await Promise.all(sockets.map((socket) => once(socket, 'close')));
    }
    expect(accepted).toBe(2_000);
    await until('nothing to be left', () => {
      if (sampleInterval === 0) guard.leaks();
      const { watched, pending } = guard.stats();
      return watched + pending === 0;
    });
    expect(seen.leaks).toEqual([]);
  });
});

describe('on demand only (sampleInterval 0)', () => {
  const stage = stageOfEachTest();

  it('nothing is looked at until somebody asks', async () => {
    const guard = createGuard({ ...QUICK, sampleInterval: 0, scope: 'watched' });
    const control = createGuard(QUICK);
    for (const each of [guard, control]) stage.defer(() => each.close());
    const [ours, others] = [follow(guard), follow(control)];
    const server = net.createServer(() => {});
    guard.watch(server);
    const port = await stage.listen(server);
    const { lastSample } = guard.stats();
    await stage.visit(port, 'hello');
    const controlPort = await stage.listen(net.createServer(() => {}));
    await stage.visit(controlPort, 'hello');
    await until('the control', () => others.leaks.length > 0);
    expect(ours.leaks).toEqual([]);
    expect(guard.stats().lastSample).toBe(lastSample);

    // Between two looks far apart only the loop's idle time counts, so the first one may be too early.
    const leak = await until('it to be found', () => guard.leaks()[0]);
    expect(leak).toMatchObject({ localPort: port, cause: 'never-read' });
    expect(ours.leaks).toHaveLength(1);
    expect(guard.stats().lastSample).not.toBe(lastSample);
  });
});

describe('a process at its limit of fds', () => {
  /** Enough for Node to read the modules of this library, of which it opens many at a time. */
  const LIMIT = 128;

  function run(mode: string): Promise<Outcome> {
    const program = path.join(programs, 'at-fd-limit.mjs');
    const command = `ulimit -n ${LIMIT}; exec "$0" "$@"`;
    return outcomeOf(
      spawn('sh', ['-c', command, process.execPath, program, mode], {
        cwd: root,
        env: environmentOfAUser(),
        timeout: 45_000,
      }),
    );
  }

  it('is sampled as before: the leak is found and its release, and nothing is thrown', async () => {
    const { cause, errors, fds, samples, warnings } = jsonOf(await run('working guard'));
    expect({ cause, samples }).toEqual({ cause: 'never-read', samples: 5 });
    expect(errors).toMatchObject({ sample: 0, fd_walk: 0, watch_add: 0, callback: 0 });
    expect(fds.limit).toBe(LIMIT);
    // What needs an fd of its own cannot be had then, and says so.
    expect(errors.sock_diag).toBeGreaterThan(0);
    expect(warnings).toContain('CWG_WARN_SOCK_DIAG');
  });

  it('has no fd left for the watch of a first guard: it says so, finds leaks by looking, and opens the watch later', async () => {
    const { supported, refused, warnings, ports, expected } = jsonOf(await run('first guard'));
    expect(supported).toBe(true);
    expect(refused).toBeGreaterThan(0);
    expect(warnings).toContain('CWG_WARN_WATCH_WAIT');
    expect(ports).toEqual(expected);
  });
});
