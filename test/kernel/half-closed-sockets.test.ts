import { Socket } from 'node:net';
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

  describe('that are known leaks alone', () => {
    function leaks(count: number, ownerOf: (i: number) => Socket | undefined) {
      const sockets = new HalfClosedSockets();
      for (let i = 1; i <= count; i++) {
        const owner = ownerOf(i);
        const each = new WatchedSocket(BigInt(i), 10, 'inbound', owner && new WeakRef(owner), 0, 0);
        sockets.add(each);
        sockets.markLeak(each.cookie);
      }
      return sockets;
    }

    it.each([
      [0, true],
      [3, false],
      [4, true],
      [256, true],
      [257, false],
    ])('%i with owners: samples may leave them out: %s', (count, mayRest) => {
      expect(leaks(count, () => new Socket()).mayRest).toBe(mayRest);
    });

    it('are not left out where one has no owner to ask, nor where another is no leak yet', () => {
      expect(leaks(20, (i) => (i === 7 ? undefined : new Socket())).mayRest).toBe(false);
      const sockets = leaks(20, () => new Socket());
      sockets.add(watched(99n));
      expect(sockets.mayRest).toBe(false);
    });

    it('tell of one that its owner has closed, until it was read', () => {
      const owner = new Socket();
      const sockets = leaks(20, (i) => (i === 13 ? owner : new Socket()));
      expect(sockets.hasNewlyClosed()).toBe(false);
      owner.destroy();
      expect(sockets.hasNewlyClosed()).toBe(true);
      expect(sockets.leaksDue(1_000, 1).map(({ cookie }) => cookie)).toContain(13n);
      expect(sockets.hasNewlyClosed()).toBe(false);
    });

    it('are read as often as if no sample had left them out', () => {
      const sockets = leaks(20, () => new Socket());
      const read = [4, 1, 4].map((samples) => sockets.leaksDue(1_000, samples).map(({ cookie }) => Number(cookie)));
      expect(read).toEqual([
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
        [13, 14, 15],
        [16, 17, 18, 19, 20, 1, 2, 3, 4, 5, 6, 7],
      ]);
    });
  });
});
