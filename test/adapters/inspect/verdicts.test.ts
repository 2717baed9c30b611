import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import type { InspectReport } from '../../../src/inspect/processes/report.js';
import { environmentOfAUser, root } from '../../support/programs.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { closeWaitGuard, Target } from './targets.js';

const stage = stageOfEachTest();

/** Runs beside this process, which goes on acting: its own sockets are the other ends. */
async function inspect(pid: number, ...options: string[]) {
  const child = spawn(process.execPath, ['dist/cli.js', 'inspect', String(pid), '--json', ...options], {
    ...{ cwd: root, env: environmentOfAUser(), stdio: ['ignore', 'pipe', 'inherit'] as const },
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += String(chunk)));
  const [status] = (await once(child, 'close')) as [number];
  return { status, report: JSON.parse(stdout) as InspectReport };
}

/** A program of Node given as text; it prints its port when it listens. */
async function program(code: string): Promise<{ pid: number; port: number }> {
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  stage.defer(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { pid: child.pid!, port: Number(line) };
}

describe('what is no leak', () => {
  it('a process without sockets, and one whose sockets are all open', async () => {
    expect((await inspect(process.pid, '--timeout', '0')).report.leaks).toEqual([]);
    const target = await Target.start(stage, 'c', 'hh');
    await target.connect();
    await target.connect();
    const { status, report } = await inspect(target.pid, '--timeout', '100');
    expect(status).toBe(0);
    expect(report).toMatchObject({
      leaks: [],
      undecided: [],
      moving: [],
      states: { ESTABLISHED: 3, LISTEN: 1, CLOSE: 1 },
    });
    expect(report.fds.kinds).toMatchObject({ socket: expect.any(Number) });
  });

  it('a half-closed socket that still sends its answer, a few bytes at a time', async () => {
    const { pid, port } = await program(`
      const server = require('node:net').createServer({ allowHalfOpen: true }, (socket) => {
        socket.resume().on('error', () => {});
        setInterval(() => socket.write('tick'), 50);
      });
      server.listen(0, '127.0.0.1', () => console.log(server.address().port));`);
    const client = await stage.connect(port);
    await client.halfClose();
    const { status, report } = await inspect(pid, '--timeout', '500');
    expect(report.leaks).toEqual([]);
    expect(report.moving).toMatchObject([{ kind: 'close-wait', remotePort: client.port }]);
    expect(status).toBe(0);
    // At one look it cannot be told.
    expect((await inspect(pid, '--timeout', '0')).status).toBe(1);
  });

  it('the upstream of a download whose client reads slowly: undecided, and why', async () => {
    const upstream = net.createServer((socket) => socket.on('error', () => {}).end(Buffer.alloc(32 * 1024 * 1024)));
    const upstreamPort = await stage.listen(upstream);
    const { pid, port } = await program(`
      const net = require('node:net');
      const server = net.createServer((socket) => {
        socket.on('error', () => {});
        net.connect(${upstreamPort}, '127.0.0.1').on('error', () => {}).pipe(socket);
      });
      server.listen(0, '127.0.0.1', () => console.log(server.address().port));`);
    const client = await stage.connect(port, '127.0.0.1', { read: false });
    // Little at a time: the proxy takes nothing from upstream for it, and the kernel sends on what the proxy has written.
    const reading = setInterval(() => client.socket.read(16_384), 20);
    stage.defer(() => clearInterval(reading));
    const { report } = await until('a stalled upstream beside a fed client', async () => {
      const seen = await inspect(pid, '--timeout', '400');
      expect(seen.report.leaks).toEqual([]);
      return seen.report.undecided.length > 0 && seen;
    });
    expect(report.undecided).toMatchObject([{ kind: 'stalled', remotePort: upstreamPort }]);
    expect(report.notes).toContainEqual(expect.stringContaining('It writes to peers that read slowly meanwhile'));
  });

  it('whatever a stopped process cannot close', async () => {
    const target = await Target.start(stage, 'python', 'h');
    const client = await target.connect();
    await client.halfClose();
    process.kill(target.pid, 'SIGSTOP');
    const { status, report } = await inspect(target.pid, '--timeout', '100');
    process.kill(target.pid, 'SIGCONT');
    expect(status).toBe(0);
    expect(report).toMatchObject({
      leaks: [],
      undecided: [{ kind: 'close-wait' }],
      notes: [expect.stringContaining('is stopped')],
    });
  });

  it('what a main thread that computes has not closed yet', async () => {
    const { pid, port } = await program(`
      const server = require('node:net').createServer((socket) => socket.on('error', () => {}).once('data', () => {
        for (;;);
      }));
      server.listen(0, '127.0.0.1', () => console.log(server.address().port));`);
    const other = await stage.connect(port);
    (await stage.connect(port)).say('compute');
    await other.halfClose();
    const { status, report } = await inspect(pid, '--timeout', '1000');
    expect(report.leaks).toEqual([]);
    expect(report).toMatchObject({
      undecided: [{ kind: 'close-wait' }],
      notes: [expect.stringContaining('computed all the while')],
    });
    expect(status).toBe(0);
  });
});

describe('many leaks', () => {
  it('are a page: groups, and the oldest', async () => {
    const target = await Target.start(stage, 'c', 'h'.repeat(60));
    for (let i = 0; i < 60; i++) await (await target.connect()).halfClose();
    const { status, stdout } = closeWaitGuard(['inspect', String(target.pid), '--timeout', '0']);
    expect(status).toBe(1);
    expect(stdout).toMatch(new RegExp(`^ +60  close-wait +\\S.*0 B +0 B  accepted on \\[::\\]:${target.port}$`, 'm'));
    expect(stdout.split('\n').length).toBeLessThan(30);
    // All of them for a program, the oldest first.
    const { report } = await inspect(target.pid, '--timeout', '0');
    const ages = report.leaks.map(({ lastAckReceivedMs = -1 }) => lastAckReceivedMs);
    expect(ages).toHaveLength(60);
    expect(ages).toEqual(ages.toSorted((a, b) => b - a));
  });
});

describe('another network namespace', () => {
  it('is looked into by root, and without the right by its tables', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'only root may enter a network namespace');
    skip(spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up']).status !== 0, 'unshare -n does not work here');
    const script = `import socket, time, sys
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen(4)
c = socket.create_connection(l.getsockname()); s, _ = l.accept()
c.sendall(b"12345"); c.shutdown(socket.SHUT_WR)
print("ready", flush=True); time.sleep(600)`;
    const child = spawn('unshare', ['-n', 'sh', '-c', 'ip link set lo up && exec /usr/bin/python3 -c "$0"', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    stage.defer(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    const { report } = await inspect(child.pid!, '--timeout', '100');
    expect(report).toMatchObject({ notes: [], states: { LISTEN: 1, CLOSE_WAIT: 1, FIN_WAIT2: 1 } });
    expect(report.leaks).toMatchObject([{ kind: 'close-wait', unreadBytes: 5, lastAckReceivedMs: expect.any(Number) }]);

    // Without CAP_SYS_ADMIN, the same from /proc/PID/net/tcp.
    const args = [
      '--bounding-set=-sys_admin',
      process.execPath,
      'dist/cli.js',
      'inspect',
      String(child.pid),
      '--timeout',
      '100',
      '--json',
    ];
    const { stdout, status } = spawnSync('setpriv', ['--inh-caps=-sys_admin', ...args], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    const without = JSON.parse(stdout) as InspectReport;
    expect(without.notes).toEqual([
      expect.stringMatching(
        /sock_diag\(7\) of the network namespace of process \d+ cannot be asked \(setns: Operation not permitted\).*nsenter -t \d+ -n/,
      ),
    ]);
    expect(without.leaks).toMatchObject([{ kind: 'close-wait', unreadBytes: 5, localAddress: '127.0.0.1' }]);
    expect(without.leaks[0]).toMatchObject({ localPort: report.leaks[0]!.localPort, receiveQueue: 6 });
  });
});
