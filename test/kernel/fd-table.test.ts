import dgram from 'node:dgram';
import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { openFds } from '../support/kernel-view.js';
import { addonFile } from '../support/programs.js';
import { Stage } from '../support/stage.js';
import { binding, fdOf, listTcpFds, readOne } from './binding.js';
import { connectPair } from './pair.js';

const stage = new Stage();
afterEach(() => stage.clear());

const byFd = (fds: readonly number[]) =>
  [...fds].sort((a, b) => a - b).map((fd) => ({ fd, cookie: readOne(fd).cookie }));

describe('listTcpFds', () => {
  it('finds both ends of a connection, and neither listeners nor other sockets nor files', async () => {
    const already = listTcpFds().map(({ fd }) => fd);
    const udp = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    stage.defer(() => udp.close());
    await once(udp, 'listening');
    const { server, fd, client } = await connectPair(stage);
    const found = listTcpFds().filter((each) => !already.includes(each.fd));
    expect(found).toEqual(byFd([fd, fdOf(client.socket)]));
    expect(found.map((each) => each.fd)).not.toContain(fdOf(server));
  });

  it('finds half-closed and reset ones too', async () => {
    const halfClosed = await connectPair(stage);
    const reset = await connectPair(stage);
    await halfClosed.client.halfClose();
    await reset.client.reset();
    expect(listTcpFds()).toEqual(expect.arrayContaining(byFd([halfClosed.fd, reset.fd])));
  });

  it('looks at the numbers from `from` up to, not including, `to`', async () => {
    const { fd } = await connectPair(stage);
    const [only] = byFd([fd]);
    expect(listTcpFds(fd, fd + 1)).toEqual([only]);
    expect(listTcpFds(fd, fd)).toEqual([]);
    expect(listTcpFds(fd - 1, fd).map((each) => each.fd)).not.toContain(fd);
    expect(listTcpFds(fd + 1, fd + 2).map((each) => each.fd)).not.toContain(fd);
  });

  it('stops when the arrays are full', async () => {
    const { fd, client } = await connectPair(stage);
    const [first, second] = byFd([fd, fdOf(client.socket)]);
    expect(listTcpFds(first!.fd, second!.fd + 1, 1)).toEqual([first]);
    expect(listTcpFds(first!.fd, second!.fd + 1, 2)).toEqual([first, second]);
  });

  it('ends soon on a range that no fd table has', async () => {
    const { fd } = await connectPair(stage);
    // Without a bound, 2^31 system calls: minutes, not the test's time-out.
    expect(listTcpFds(0, 2 ** 31 - 1).map((each) => each.fd)).toContain(fd);
    expect(listTcpFds(2 ** 31 - 101, 2 ** 31 - 1)).toEqual([]);
  });
});

describe('visitUnknownTcpFds', () => {
  /** All steps of a lap, each of so many numbers. */
  function lap(known: Uint8Array, step = 16) {
    const found: number[] = [];
    const [fds, cookies, next] = [new Int32Array(step), new BigUint64Array(step), Int32Array.of(0)];
    let steps = 0;
    while (next[0]! >= 0) {
      const count = binding.visitUnknownTcpFds(next[0]!, known, fds, cookies, next);
      for (let i = 0; i < count; i++) expect(cookies[i]).toBe(readOne(fds[i]!).cookie);
      found.push(...fds.subarray(0, count));
      steps++;
    }
    return { found, steps };
  }

  const NOTHING_KNOWN = new Uint8Array(0);

  it('finds in steps what listTcpFds finds at once', async () => {
    await connectPair(stage);
    for (const step of [1, 7, 1_024]) expect(lap(NOTHING_KNOWN, step).found).toEqual(listTcpFds().map(({ fd }) => fd));
  });

  it('passes over the numbers that are known', async () => {
    const { fd, client } = await connectPair(stage);
    const known = new Uint8Array(fd + 1);
    known[fd] = 1;
    const { found } = lap(known);
    expect(found).not.toContain(fd);
    expect(found).toContain(fdOf(client.socket));
  });

  it('passes over the numbers that are not open, and visits the last one', async () => {
    const { fd } = await connectPair(stage);
    const python = `
import os, sys
os.dup2(0, 900)
os.set_inheritable(900, True)
os.execvp(sys.argv[1], sys.argv[1:])`;
    const program = `
      const binding = require(process.argv[1]);
      const [fds, cookies, next] = [new Int32Array(64), new BigUint64Array(64), Int32Array.of(0)];
      let steps = 0;
      const found = [];
      while (next[0] >= 0) {
        const count = binding.visitUnknownTcpFds(next[0], new Uint8Array(0), fds, cookies, next);
        found.push(...fds.subarray(0, count));
        steps++;
      }
      console.log(JSON.stringify({ found, steps }));`;
    const args = ['-c', python, process.execPath, '-e', program, addonFile];
    const printed = execFileSync('python3', args, { stdio: [fd, 'pipe', 'inherit'], encoding: 'utf8' });
    const { found, steps } = JSON.parse(printed) as { found: number[]; steps: number };
    expect(found).toEqual([0, 900]);
    // 64 numbers a step: 900 of them would be fifteen.
    expect(steps).toBeLessThan(4);
  }, 60_000);
});

it('openFds is what /proc/self/fd lists', () => {
  // Without the one that lists them.
  expect(binding.openFds()).toBe(readdirSync('/proc/self/fd').length - 1);
});

it('tcpCounter is what /proc tells, and -1 of a name that it does not know', () => {
  const [names, values] = readFileSync('/proc/self/net/netstat', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  const before = Number(values![names!.indexOf('TCPToZeroWindowAdv')]);
  expect(binding.tcpCounter('TCPToZeroWindowAdv')).toBeGreaterThanOrEqual(before);
  expect(binding.tcpCounter('TCPToZeroWindow')).toBe(-1);
  expect(binding.tcpCounter('')).toBe(-1);
  expect(() => binding.tcpCounter(7 as never)).toThrow('tcpCounter: name must be a string, got 7');
});

describe('the size of the table', () => {
  it('is above every open fd, and what /proc says', () => {
    expect(binding.fdTableSize()).toBeGreaterThan(Math.max(...openFds().keys()));
    const stated = /^FDSize:\s*(\d+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    expect(binding.fdTableSize()).toBe(Number(stated));
  });

  it('grows with it', () => {
    const before = binding.fdTableSize();
    const fds: number[] = [];
    stage.defer(() => fds.forEach((fd) => closeSync(fd)));
    while (fds.length <= before) fds.push(openSync('/dev/null', 'r'));
    expect(binding.fdTableSize()).toBeGreaterThan(Math.max(...fds));
  });
});

describe('fdUsage', () => {
  it('counts the open fds, as a directory listing does', () => {
    const [before] = binding.fdUsage();
    expect(before).toBe(openFds().size);
    const fds = Array.from({ length: 10 }, () => openSync('/dev/null', 'r'));
    expect(binding.fdUsage()[0]).toBe(before + 10);
    fds.forEach((fd) => closeSync(fd));
    expect(binding.fdUsage()[0]).toBe(before);
  });

  it('knows the soft limit', () => {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    expect(binding.fdUsage()[1]).toBe(Number(soft));
  });
});
