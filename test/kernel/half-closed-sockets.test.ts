import { describe, expect, it } from 'vitest';
import { HalfClosedSockets } from '../../src/sockets/half-closed-sockets.js';
import { WatchedSocket } from '../../src/sockets/watched-socket.js';

const watched = (cookie: bigint) => new WatchedSocket(cookie, 10, 'inbound', undefined, 0, 0);

describe('the half-closed sockets', () => {
  it('that were known leaks, went on and stalled again are read in the next sample', () => {
    const sockets = new HalfClosedSockets();
    const again = watched(1n);
    sockets.add(again);
    sockets.markLeak(1n);
    sockets.delete(1n);
    sockets.add(again);
    expect(sockets.fresh()).toEqual([again]);
  });

  it('are told to be closed to those who follow them, and to nobody else', () => {
    const sockets = new HalfClosedSockets();
    const queue = sockets.followClosed((cookie) => cookie === 2n);
    for (const cookie of [1n, 2n, 3n]) {
      sockets.add(watched(cookie));
      sockets.delete(cookie);
    }
    expect(queue.take()).toEqual([2n]);
    expect(queue.take()).toEqual([]);
  });
});
