import { ChildProcess } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import net, { type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { AcceptedCookies } from '../../src/sockets/accepted-cookies.js';
import { stageOfEachTest } from '../support/stage.js';
import { until } from '../support/until.js';
import { binding, fdOf, readOne } from './binding.js';

const PRUNE_FROM = 8;

describe('the cookies of accepted connections', () => {
  const stage = stageOfEachTest();

  it('are kept from the first child on, and only while some process has the socket', async () => {
    const accepted: Socket[] = [];
    const port = await stage.listen(net.createServer((socket) => accepted.push(socket.resume().on('error', () => {}))));
    const cookies = new AcceptedCookies(
      binding,
      () => ({ cookies: [], pending: accepted }),
      expect.unreachable,
      PRUNE_FROM,
    );
    stage.defer(() => cookies.close());
    const accept = async (): Promise<{ cookie: bigint; socket: Socket; end: () => Promise<void> }> => {
      const before = accepted.length;
      const client = await stage.connect(port);
      const socket = await until('the connection', () => accepted[before]);
      cookies.note(socket);
      return { cookie: readOne(fdOf(socket)).cookie, socket, end: () => client.reset() };
    };
    const first = await accept();
    expect([cookies.hasChildren, cookies.size]).toEqual([false, 0]);
    channel('child_process').publish({ process: new ChildProcess() });
    expect(cookies.hasChildren).toBe(true);
    expect(cookies.has(first.cookie)).toBe(true);
    for (let i = 0; i < 3 * PRUNE_FROM; i++) {
      const { end } = await accept();
      await end();
    }
    expect(cookies.size).toBeLessThan(2 * PRUNE_FROM);
    expect(cookies.has(first.cookie)).toBe(true);
  });
});
