import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type Server } from 'node:net';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import type { LeakReport } from '../../../src/leaks/report.js';
import { CLOSE_WAIT, kernelRows } from '../../support/kernel-view.js';
import { expectKernelAgrees, follow, QUICK } from '../../support/reports.js';
import { testScenarios } from '../../support/scenario.js';
import { post, stageOfEachTest, type Stage } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';
import { until } from '../../support/until.js';
import { UPLOAD_BYTES } from '../../support/upload.js';

/** A TLS client that says `data`, sends its FIN, and goes once the kernel has delivered it. */
async function visitTls(stage: Stage, port: number, data: string): Promise<void> {
  const client = tls.connect({ port, host: '127.0.0.1', ca: localhost.cert, servername: 'localhost' });
  stage.defer(() => client.destroy());
  client.on('error', () => {});
  await once(client, 'secureConnect');
  client.end(data);
  await until('the FIN to arrive', () =>
    kernelRows().some(({ localPort, state }) => localPort === port && state === CLOSE_WAIT),
  );
}

describe('watch() names the server of a leak', () => {
  const named = async (
    stage: Stage,
    server: Server,
    name: string,
  ): Promise<{ port: number; guard: ReturnType<typeof createGuard> }> => {
    const guard = createGuard({ ...QUICK, scope: 'watched' });
    stage.defer(() => guard.close());
    guard.watch(server, { name });
    return { port: await stage.listen(server), guard };
  };
  const inbound = { kind: 'close-wait', side: 'inbound' } as const;

  testScenarios([
    {
      name: 'net',
      expect: { leak: { ...inbound, server: 'mail: in', cause: 'never-read' } },
      play: async (stage) => {
        const scene = await named(
          stage,
          net.createServer(() => {}),
          'mail: in',
        );
        await stage.visit(scene.port, 'hello');
        return scene;
      },
    },
    {
      name: 'tls',
      expect: { leak: { ...inbound, server: 'mails', cause: 'never-read' } },
      play: async (stage) => {
        const scene = await named(
          stage,
          tls.createServer(localhost, () => {}),
          'mails',
        );
        await visitTls(stage, scene.port, 'hello');
        return scene;
      },
    },
    {
      name: 'http',
      expect: { leak: { ...inbound, server: 'web', method: 'POST', route: '/upload', cause: 'request-body-not-read' } },
      play: async (stage) => {
        const scene = await named(
          stage,
          http.createServer(() => {}),
          'web',
        );
        await stage.visit(scene.port, post('/upload?x=secret', UPLOAD_BYTES));
        return scene;
      },
    },
    {
      name: 'https',
      expect: {
        leak: { ...inbound, server: 'webs', method: 'POST', route: '/upload', cause: 'request-body-not-read' },
      },
      play: async (stage) => {
        const scene = await named(
          stage,
          https.createServer(localhost, () => {}),
          'webs',
        );
        await visitTls(stage, scene.port, post('/upload', UPLOAD_BYTES));
        return scene;
      },
    },
  ]);
});

describe('an http2 server', () => {
  const stage = stageOfEachTest();

  it('is watched, and a session that comes and goes is nobody’s leak', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    const server = http2.createServer((_request, response) => response.end('ok'));
    const port = await stage.listen(server);
    guard.watch(server);
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': '/' });
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers[':status']).toBe(200);
    expect(guard.stats().listeners).toMatchObject([{ server: `http2:${port}` }]);
    stream.resume();
    session.close();
    await once(session, 'close');

    const controlPort = await stage.listen(net.createServer(() => {}));
    await stage.visit(controlPort, 'hello');
    await until('the control', () => seen.leaks.length > 0);
    expect(seen.leaks.map(({ localPort }) => localPort)).toEqual([controlPort]);
  });
});

describe('scope', () => {
  const stage = stageOfEachTest();

  async function leakOn(guarded: boolean, guard: ReturnType<typeof createGuard>): Promise<number> {
    const server = net.createServer(() => {});
    const port = await stage.listen(server);
    if (guarded) guard.watch(server);
    await stage.visit(port, 'hello');
    return port;
  }

  it(`'watched' keeps to the watched servers, and 'process' takes the rest: each leak is reported by one`, async () => {
    const rest = createGuard(QUICK);
    const watched = createGuard({ ...QUICK, scope: 'watched' });
    for (const guard of [rest, watched]) stage.defer(() => guard.close());
    const [ofRest, ofWatched] = [follow(rest), follow(watched)];
    const ports = [await leakOn(true, watched), await leakOn(false, watched)];
    await until('both leaks', () => ofRest.leaks.length > 0 && ofWatched.leaks.length > 0);
    expect(ofWatched.leaks.map(({ localPort }) => localPort)).toEqual([ports[0]]);
    expect(ofRest.leaks.map(({ localPort }) => localPort)).toEqual([ports[1]]);
    expect(watched.sockets().map(({ localPort }) => localPort)).toEqual([ports[0]]);
    expect(rest.sockets().map(({ localPort }) => localPort)).toEqual([ports[1]]);
  });

  it('the oldest guard of the process reports what no guard watches, and the next one when it is closed', async () => {
    const guards = [createGuard(QUICK), createGuard(QUICK)];
    for (const guard of guards) stage.defer(() => guard.close());
    const [older, younger] = guards.map((guard) => follow(guard));
    const first = await leakOn(false, guards[0]!);
    await until('the leak', () => older!.leaks.length > 0);
    expect(younger!.leaks).toEqual([]);
    expect(guards[1]!.leaks()).toEqual([]);

    guards[0]!.close();
    const again = await until('the other one to take over', () => younger!.leaks[0]);
    expect(again).toMatchObject({ localPort: first, id: older!.leaks[0]?.id });
    expectKernelAgrees(again);
    expect(older!.released).toEqual([]);
  });

  it('a leak stays with the guard that reported it, also when another one begins to watch its server', async () => {
    const guards = [createGuard(QUICK), createGuard(QUICK)] as const;
    for (const guard of guards) stage.defer(() => guard.close());
    const [first, second] = guards.map((guard) => follow(guard));
    const server = net.createServer(() => {});
    const port = await stage.listen(server);
    await stage.visit(port, 'hello');
    const leak = await until('the leak', () => first!.leaks[0]);
    guards[1].watch(server);
    await stage.visit(port, 'hello again');
    await until('the second leak', () => second!.leaks.length > 0);
    expect(second!.leaks.map(({ id }) => id)).not.toContain(leak.id);
    first!.sockets.get(leak.id)?.destroy();
    await until('the release', () => first!.released.length > 0);
    expect(second!.released).toEqual([]);
  });

  it('the undo of watch() gives the server back, and is idempotent', async () => {
    const guard = createGuard({ ...QUICK, scope: 'watched' });
    const rest = createGuard(QUICK);
    for (const each of [guard, rest]) stage.defer(() => each.close());
    const seen = follow(rest);
    const server = net.createServer(() => {});
    const undo = guard.watch(server, { name: 'mail' });
    undo();
    undo();
    const port = await stage.listen(server);
    await stage.visit(port, 'hello');
    const leak: LeakReport = await until('the leak', () => seen.leaks[0]);
    expect(leak.server).toBe(`net:${port}`);
    expect(guard.sockets()).toEqual([]);
    expect(guard.stats().listeners).toEqual([]);
  });
});

describe('watch() refuses', () => {
  const stage = stageOfEachTest();

  it.each<[unknown, string]>([
    [undefined, 'the server given to watch() is undefined; it takes a net, tls, http, https or http2 server'],
    [{ listen: true }, 'the server given to watch() is [Object]; it takes a net, tls, http, https or http2 server'],
    [8080, 'the server given to watch() is 8080; it takes a net, tls, http, https or http2 server'],
  ])('%o', (server, message) => {
    const guard = createGuard();
    stage.defer(() => guard.close());
    expect(() => guard.watch(server as Server)).toThrow(
      expect.objectContaining({ code: 'CWG_ERR_ARGUMENT', message: `close-wait-guard: ${message}` }),
    );
  });

  it.each<[unknown]>([[''], ['a\nb'], ['é'], ['"'], ['x'.repeat(101)], [7]])('the name %j', (name) => {
    const guard = createGuard();
    stage.defer(() => guard.close());
    expect(() => guard.watch(net.createServer(), { name: name as string })).toThrow(
      expect.objectContaining({
        code: 'CWG_ERR_ARGUMENT',
        message: expect.stringMatching(/the name given to watch\(\) is .*; it takes 1 to 100 letters/),
      }),
    );
  });
});
