import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { GUARD_DEFAULTS } from '../../../src/guard/options.js';
import { jsonOf, programs, runModule, runNode } from '../../support/programs.js';

interface Look {
  readonly fds: Record<string, number>;
  readonly resources: string[];
  readonly subscribed: string[];
  readonly process: Record<string, number>;
  readonly servers: Record<string, number>[];
  readonly sockets: Record<string, number>[];
}

const EVENTPOLL = 'anon_inode:[eventpoll]';

describe('a guard in a process', () => {
  let before: Look;
  let during: Look;
  let after: Look;

  beforeAll(async () => {
    ({ before, during, after } = jsonOf(await runNode([path.join(programs, 'leave-no-trace.mjs')])));
  });

  it('has one fd, an epoll set, and closes it', () => {
    expect(during.fds).toEqual({ ...before.fds, [EVENTPOLL]: before.fds[EVENTPOLL]! + 1 });
    expect(after.fds).toEqual(before.fds);
  });

  it('listens to the channels while it is open, and not after', () => {
    expect(before.subscribed).toEqual([]);
    // To http.server.request.start only to follow requests: no connection to an http server has come.
    expect(during.subscribed).toEqual([
      'net.server.socket',
      'net.client.socket',
      ...(GUARD_DEFAULTS.traceRequests ? ['http.server.request.start'] : []),
      'undici:client:sendHeaders',
      'undici:request:headers',
      'undici:request:trailers',
    ]);
    expect(after.subscribed).toEqual([]);
  });

  it('keeps nothing active: no timer that counts', () => {
    expect(during.resources).toEqual(before.resources);
    expect(after.resources).toEqual(before.resources);
  });

  it('puts no listener on any socket, nor on the process', () => {
    expect(during.sockets).toEqual(before.sockets);
    expect(after.sockets).toEqual(before.sockets);
    expect(during.process).toEqual(before.process);
    expect(after.process).toEqual(before.process);
  });

  it('leaves the servers their listeners', () => {
    expect(during.servers[0]).toEqual(before.servers[0]);
    expect(after.servers).toEqual(before.servers);
  });
});

describe('a program that has only a guard', () => {
  it('exits by itself', async () => {
    const outcome = await runModule(
      `import { createGuard } from 'close-wait-guard';
       createGuard({ sampleInterval: 10 });
       process.on('exit', () => console.log('bye'));`,
    );
    expect(outcome).toEqual({ code: 0, signal: null, stdout: 'bye\n', stderr: '' });
  });

  it.each(['0', '10'])('keeps no socket from being collected (sampleInterval %s)', async (interval) => {
    const outcome = await runNode(['--expose-gc', path.join(programs, 'collect-sockets.mjs'), interval]);
    const { seen, collected } = jsonOf(outcome);
    expect(seen).toBe(40);
    expect(collected).toBeGreaterThanOrEqual(38);
  });

  it('lets a closed socket go before its first sample', async () => {
    const outcome = await runNode(['--expose-gc', path.join(programs, 'collect-at-once.mjs')]);
    const { collected } = jsonOf(outcome);
    expect(collected).toBeGreaterThanOrEqual(2);
  });
});
