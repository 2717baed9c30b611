import dgram from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import { constants } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import type { NativeHalfCloseWatch } from '../../src/kernel/native.js';
import { openFds } from '../support/kernel-view.js';
import { Stage } from '../support/stage.js';
import { until } from '../support/until.js';
import { binding, fdOf, readOne, State } from './binding.js';
import { acceptOne, connectPair } from './pair.js';

/** epoll_ctl(2) */
const EPOLLERR = 0x008;
const EPOLLHUP = 0x010;
const EPOLLRDHUP = 0x2000;

const stage = new Stage();
afterEach(() => stage.clear());

class Watch {
  readonly native: NativeHalfCloseWatch = new binding.HalfCloseWatch();

  constructor() {
    stage.defer(() => this.native.close());
  }

  add(...fds: number[]) {
    const cookies = new BigUint64Array(fds.length).fill(99n);
    const errnos = new Int32Array(fds.length).fill(99);
    const added = this.native.add(Int32Array.from(fds), fds.length, cookies, errnos);
    return { added, cookies: [...cookies], errnos: [...errnos] };
  }

  drain(capacity = 64) {
    const cookies = new BigUint64Array(capacity);
    const events = new Uint32Array(capacity);
    const count = this.native.drain(cookies, events);
    return Array.from({ length: count }, (_, i) => ({ cookie: cookies[i]!, events: events[i]! }));
  }
}

describe('what a watch reports', () => {
  it('is nothing while data comes and goes', async () => {
    const { fd, socket, client } = await connectPair(stage);
    const watch = new Watch();
    expect(watch.add(fd)).toEqual({ added: 1, cookies: [readOne(fd).cookie], errnos: [0] });
    client.say('unread');
    await until('the data to arrive', () => readOne(fd).unreadBytes === 6);
    expect(watch.drain()).toEqual([]);
    socket.resume();
    socket.write('answer');
    await until('both directions to have moved', () => socket.bytesRead === 6 && client.text === 'answer');
    expect(watch.drain()).toEqual([]);
  });

  it('is RDHUP, once, when the peer sends its FIN', async () => {
    const { fd, client } = await connectPair(stage);
    const watch = new Watch();
    const [cookie] = watch.add(fd).cookies;
    client.say('last words');
    await client.halfClose();
    expect(watch.drain()).toEqual([{ cookie, events: EPOLLRDHUP }]);
    expect(watch.drain()).toEqual([]);
  });

  it('is RDHUP, HUP and ERR when the peer resets', async () => {
    const { fd, client } = await connectPair(stage);
    const watch = new Watch();
    const [cookie] = watch.add(fd).cookies;
    await client.reset();
    expect(watch.drain()).toEqual([{ cookie, events: EPOLLRDHUP | EPOLLHUP | EPOLLERR }]);
    expect(watch.drain()).toEqual([]);
  });

  it('comes a second time when a half-closed connection is reset', async () => {
    const { fd, client } = await connectPair(stage);
    const watch = new Watch();
    const [cookie] = watch.add(fd).cookies;
    await client.halfClose();
    expect(watch.drain()).toHaveLength(1);
    client.socket.resetAndDestroy();
    await until('the RST', () => readOne(fd).state === State.CLOSE);
    expect(watch.drain()).toEqual([{ cookie, events: expect.toSatisfy((bits: number) => (bits & EPOLLHUP) !== 0) }]);
  });

  it.each([
    ['the FIN', State.CLOSE_WAIT],
    ['the RST', State.CLOSE],
  ])('is there at once when %s came before the socket was added', async (what, state) => {
    const { fd, client } = await connectPair(stage);
    await (what === 'the FIN' ? client.halfClose() : client.reset());
    expect(readOne(fd).state).toBe(state);
    const watch = new Watch();
    const [cookie] = watch.add(fd).cookies;
    expect(watch.drain()).toMatchObject([{ cookie }]);
  });

  it('is nothing when only this end has sent its FIN', async () => {
    const { fd, socket } = await connectPair(stage);
    const watch = new Watch();
    watch.add(fd);
    socket.end();
    await until('our FIN to be acknowledged', () => readOne(fd).state === State.FIN_WAIT2);
    expect(watch.drain()).toEqual([]);
  });

  it('names sockets by cookie, in as many calls as the arrays ask for', async () => {
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const port = await stage.listen(server);
    const pairs = [];
    for (let i = 0; i < 150; i++) pairs.push(await acceptOne(stage, server, port));
    const watch = new Watch();
    const { added, cookies } = watch.add(...pairs.map(({ fd }) => fd));
    expect(added).toBe(150);
    // All but the last ten leave.
    const leaving = pairs.slice(0, 140);
    for (const { client } of leaving) client.socket.end();
    await until('140 FINs', () => leaving.every(({ fd }) => readOne(fd).state === State.CLOSE_WAIT));
    const batches = [watch.drain(1), watch.drain(7), watch.drain(129), watch.drain(64), watch.drain(64)];
    expect(batches.map(({ length }) => length)).toEqual([1, 7, 129, 3, 0]);
    const seen = batches.flat().map(({ cookie }) => cookie);
    expect(new Set(seen)).toEqual(new Set(cookies.slice(0, 140)));
    expect(seen).toHaveLength(140);
  });
});

describe('which sockets are on a watch', () => {
  it('not one that was closed: the kernel forgets it', async () => {
    const { server, fd, socket, client } = await connectPair(stage);
    const watch = new Watch();
    watch.add(fd);
    const closed = once(socket, 'close');
    socket.destroy();
    client.socket.destroy();
    await closed;
    // The next connection gets the same fd numbers; it is not on the watch.
    const next = await acceptOne(stage, server, client.serverPort);
    await next.client.halfClose();
    expect(watch.drain()).toEqual([]);
    expect(watch.add(next.fd).added).toBe(1);
    expect(watch.drain()).toHaveLength(1);
  });

  it('one that is added twice, once', async () => {
    const { fd, client } = await connectPair(stage);
    const watch = new Watch();
    const { cookie } = readOne(fd);
    expect(watch.add(fd, fd)).toEqual({ added: 2, cookies: [cookie, cookie], errnos: [0, 0] });
    expect(watch.add(fd)).toEqual({ added: 1, cookies: [cookie], errnos: [0] });
    await client.halfClose();
    expect(watch.drain()).toHaveLength(1);
  });

  it('not what is no TCP socket, and each says why', async () => {
    const { fd } = await connectPair(stage);
    const udp = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    stage.defer(() => udp.close());
    await once(udp, 'listening');
    const file = openSync('/dev/null', 'r');
    stage.defer(() => closeSync(file));
    const watch = new Watch();
    const { EBADF, ENOTSOCK, EPROTONOSUPPORT } = constants.errno;
    expect(watch.add(-1, 1 << 20, file, fdOf(udp), fd)).toEqual({
      added: 1,
      cookies: [0n, 0n, 0n, 0n, readOne(fd).cookie],
      errnos: [EBADF, EBADF, ENOTSOCK, EPROTONOSUPPORT, 0],
    });
  });

  it('only the first `count` of the array', async () => {
    const { fd, client } = await connectPair(stage);
    const watch = new Watch();
    const errnos = Int32Array.of(99, 99);
    expect(watch.native.add(Int32Array.of(-1, fd), 1, new BigUint64Array(1), errnos)).toBe(0);
    expect([...errnos]).toEqual([constants.errno.EBADF, 99]);
    await client.halfClose();
    expect(watch.drain()).toEqual([]);
  });

  it('those of one watch are none of another', async () => {
    const first = await connectPair(stage);
    const second = await connectPair(stage);
    const [one, both] = [new Watch(), new Watch()];
    one.add(first.fd);
    both.add(first.fd, second.fd);
    await first.client.halfClose();
    await second.client.halfClose();
    expect(one.drain()).toHaveLength(1);
    one.native.close();
    expect(both.drain().map(({ cookie }) => cookie)).toEqual([readOne(first.fd).cookie, readOne(second.fd).cookie]);
  });
});

describe('which sockets a guard of this process answers for', () => {
  const isWatched = (cookie: bigint) => {
    const watched = Uint8Array.of(9);
    const count = binding.findWatched(BigUint64Array.of(cookie), watched);
    expect(watched).toEqual(Uint8Array.of(count));
    return count === 1;
  };

  it('those that were added to a watch, until they are forgotten or it is closed', async () => {
    const { fd } = await connectPair(stage);
    const { cookie } = readOne(fd);
    const [one, other] = [new Watch(), new Watch()];
    expect(isWatched(cookie)).toBe(false);
    one.add(fd);
    other.add(fd);
    expect([isWatched(cookie), isWatched(0n), isWatched(cookie + 1_000_000n)]).toEqual([true, false, false]);
    one.native.forget(BigUint64Array.of(cookie, 0n));
    expect(isWatched(cookie)).toBe(true);
    other.native.close();
    expect(isWatched(cookie)).toBe(false);
  });

  it('also those of a watch that has no epoll set, which takes none and can be opened later', async () => {
    const { fd, client } = await connectPair(stage);
    const { cookie } = readOne(fd);
    const watch = new binding.HalfCloseWatch(false);
    stage.defer(() => watch.close());
    const errnos = new Int32Array(1);
    const cookies = new BigUint64Array(1);
    expect(watch.add(Int32Array.of(fd), 1, cookies, errnos)).toBe(0);
    expect([cookies[0], errnos[0], isWatched(cookie)]).toEqual([cookie, constants.errno.EBADF, true]);
    expect(() => watch.drain(new BigUint64Array(1), new Uint32Array(1))).toThrow(
      expect.objectContaining({ code: 'CWG_ERR_SYSCALL', syscall: 'epoll_wait', errno: constants.errno.EBADF }),
    );
    watch.reopen();
    expect(watch.add(Int32Array.of(fd), 1, cookies, errnos)).toBe(1);
    await client.halfClose();
    expect(watch.drain(cookies, new Uint32Array(1))).toBe(1);
  });

  it('whose number something has closed: it says so, closes nothing that has taken it, and opens anew', async () => {
    const { fd, client } = await connectPair(stage);
    const sets = (): number[] =>
      [...openFds()].filter(([, link]) => link === 'anon_inode:[eventpoll]').map(([number]) => number);
    const before = sets();
    const watch = new Watch();
    const number = sets().find((each) => !before.includes(each));
    closeSync(number!);
    const taken = openSync('/dev/null', 'r');
    stage.defer(() => closeSync(taken));
    expect(taken).toBe(number);
    expect(() => watch.drain()).toThrow(
      expect.objectContaining({ syscall: 'epoll_wait', errno: constants.errno.EINVAL }),
    );
    watch.native.reopen();
    expect(readlinkSync(`/proc/self/fd/${taken}`)).toBe('/dev/null');
    expect(watch.add(fd).added).toBe(1);
    await client.halfClose();
    expect(watch.drain()).toHaveLength(1);
  });
});

describe('checkKernel()', () => {
  it('finds all that a guard needs here, and leaves no fd behind', () => {
    const before = readdirSync('/proc/self/fd').length;
    expect(binding.checkKernel()).toEqual({ socket: 0, identity: 0, cookie: 0, tcpInfo: 0, queues: 0, peerName: 0 });
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  });
});

it('does not take the event from libuv: the socket still ends', async () => {
  const { fd, socket, client } = await connectPair(stage);
  const watch = new Watch();
  watch.add(fd);
  await client.halfClose();
  expect(watch.drain()).toHaveLength(1);
  const ended = once(socket, 'end');
  socket.resume();
  await ended;
});
