import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import os from 'node:os';
import { describe, expect, it } from 'vitest';
import { CLOSE_WAIT, kernelRow, kernelRows } from '../support/kernel-view.js';
import { stageOfEachTest } from '../support/stage.js';
import { until } from '../support/until.js';
import { binding, readAll } from './binding.js';
import { connectPair } from './pair.js';

const { EBADF, ENOTSOCK } = os.constants.errno;

describe('shutDown', () => {
  const stage = stageOfEachTest();

  it('ends both directions of a connection, and closes no fd', async () => {
    const { socket, fd, client } = await connectPair(stage);
    const { cookie } = readAll([fd]).rows[0]!;
    const ended = once(client.socket, 'end');
    client.socket.resume();
    socket.resume();
    expect(binding.shutDown(fd, BigUint64Array.of(cookie))).toBe(0);
    await Promise.all([ended, once(socket, 'end')]);
  });

  it('leaves a socket with another cookie alone, and tells why an fd is none', async () => {
    const { socket, fd, client } = await connectPair(stage);
    const { cookie } = readAll([fd]).rows[0]!;
    expect(binding.shutDown(fd, BigUint64Array.of(cookie + 1n))).toBe(EBADF);
    socket.write('still there');
    const [heard] = (await once(client.socket, 'data')) as [Buffer];
    expect(heard.toString()).toBe('still there');
    const file = openSync(os.devNull, 'r');
    stage.defer(() => closeSync(file));
    expect(binding.shutDown(file, BigUint64Array.of(1n))).toBe(ENOTSOCK);
  });
});

describe('abortOnClose', () => {
  const stage = stageOfEachTest();

  /** A connection that was read to its end, whose client has gone: an orderly close would leave something of it. */
  async function halfClosed() {
    const { socket, fd, client } = await connectPair(stage);
    socket.resume();
    const [localPort, remotePort] = [socket.localPort!, socket.remotePort!];
    client.socket.end();
    await once(socket, 'end');
    await until('CLOSE_WAIT', () => kernelRow(localPort, remotePort)?.state === CLOSE_WAIT);
    const rows = () =>
      kernelRows().filter(
        (row) => [row.localPort, row.remotePort].sort().join() === [localPort, remotePort].sort().join(),
      );
    return { socket, fd, cookie: readAll([fd]).rows[0]!.cookie, rows };
  }

  it('makes the coming close leave nothing of the connection', async () => {
    const { socket, fd, cookie, rows } = await halfClosed();
    expect(binding.abortOnClose(fd, BigUint64Array.of(cookie))).toBe(0);
    expect(rows(), 'the option alone does nothing').toHaveLength(2);
    socket.destroy();
    await once(socket, 'close');
    expect(rows()).toEqual([]);
  });

  it('is what makes the difference: an orderly close leaves TIME_WAIT', async () => {
    const { socket, rows } = await halfClosed();
    socket.destroy();
    await once(socket, 'close');
    expect(rows().map(({ state }) => state)).toEqual(['06']);
  });

  it('leaves a socket with another cookie alone', async () => {
    const { socket, fd, cookie, rows } = await halfClosed();
    expect(binding.abortOnClose(fd, BigUint64Array.of(cookie + 1n))).toBe(EBADF);
    socket.destroy();
    await once(socket, 'close');
    expect(rows().map(({ state }) => state)).toEqual(['06']);
  });

  it('tells why an fd is not a socket', () => {
    expect(binding.abortOnClose(99_999, BigUint64Array.of(1n))).toBe(EBADF);
    const file = openSync(os.devNull, 'r');
    stage.defer(() => closeSync(file));
    expect(binding.abortOnClose(file, BigUint64Array.of(1n))).toBe(ENOTSOCK);
  });
});
