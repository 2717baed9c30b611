import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { TcpState } from '../../src/base/tcp-states.js';
import type { SocketRecord } from '../../src/kernel/socket-batch.js';
import { withCountedProgress } from '../../src/sockets/counted-progress.js';

/** What the kernel tells of a socket that has got 10 bytes, of which 4 are unread, and has 3 of 20 to send left. */
const told = {
  state: TcpState.ESTABLISHED,
  bytesReceived: 10,
  bytesAcked: 17,
  unreadBytes: 4,
  unsentBytes: 3,
} as SocketRecord;
/** What JS counts of the same: 5 of the 20 bytes are not with the kernel yet. */
const socket = { bytesRead: 6, bytesWritten: 25, writableLength: 5 } as Socket;

describe('progress where the kernel refuses a count', () => {
  it('is the kernel’s where it tells all', () => {
    expect(withCountedProgress(told, socket)).toBe(told);
  });

  it('is what the stream has taken and given without TCP_INFO, and comes to the same numbers', () => {
    expect(withCountedProgress({ ...told, bytesReceived: -1, bytesAcked: -1 }, socket)).toEqual(told);
  });

  it('without SIOCINQ has the unread bytes by what was taken', () => {
    expect(withCountedProgress({ ...told, unreadBytes: -1 }, socket)).toEqual(told);
  });

  it('does not take the FIN for an unread byte (tcpi_bytes_received counts it)', () => {
    const ended = { ...told, state: TcpState.CLOSE_WAIT, bytesReceived: 11 };
    expect(withCountedProgress({ ...ended, unreadBytes: -1 }, socket)).toEqual(ended);
  });

  it('of a socket that throws is no error', () => {
    const hostile = {
      get bytesRead(): number {
        throw new Error('not yours');
      },
      get bytesWritten(): number {
        throw new Error('not yours');
      },
    } as Socket;
    expect(() => withCountedProgress({ ...told, bytesReceived: -1, bytesAcked: -1 }, hostile)).not.toThrow();
  });
});
