import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import type { LeakReport } from '../../../src/leaks/report.js';
import { expectKernelAgrees, follow, QUICK } from '../../support/reports.js';
import { testScenarios } from '../../support/scenario.js';
import { stageOfEachTest, type Stage } from '../../support/stage.js';
import { root } from '../../support/programs.js';
import { until } from '../../support/until.js';

/** A server in a worker thread that nobody reads; 'close' destroys its sockets. With a guard of its own if asked to. */
const WORKER = `
  const net = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  const sockets = [];
  const server = net.createServer((socket) => sockets.push(socket));
  let guard;
  parentPort.on('message', (message) => {
    if (message === 'close guard') guard.close();
    else for (const socket of sockets) socket.destroy();
  });
  (async () => {
    if (workerData.guard) {
      const { createGuard } = await import(workerData.guard);
      guard = createGuard(workerData.options);
      guard.on('leak', (leak) => parentPort.postMessage({ leak }));
      guard.on('released', (leak) => parentPort.postMessage({ released: leak }));
    }
    server.listen(0, '127.0.0.1', () => parentPort.postMessage({ port: server.address().port }));
  })();
`;

interface FromWorker {
  readonly port?: number;
  readonly leak?: LeakReport;
  readonly released?: LeakReport;
}

async function startWorker(
  stage: Stage,
  guarded: boolean,
  installed = root,
): Promise<{ worker: Worker; port: number; said: FromWorker[] }> {
  const guard = guarded ? pathToFileURL(path.join(installed, 'dist/index.js')).href : undefined;
  const worker = new Worker(WORKER, { eval: true, workerData: { guard, options: QUICK } });
  stage.defer(() => worker.terminate());
  const said: FromWorker[] = [];
  worker.on('message', (message: FromWorker) => said.push(message));
  await once(worker, 'message');
  return { worker, port: said[0]!.port!, said };
}

describe('a socket of a worker thread without a guard', () => {
  testScenarios([
    {
      name: 'is reported by the main thread, which does not know whose it is',
      expect: { leak: { kind: 'close-wait', side: 'unknown', cause: 'not-owned-by-this-thread', server: undefined } },
      play: async (stage) => {
        const { worker, port } = await startWorker(stage, false);
        await stage.visit(port, 'hello');
        return { port, release: () => worker.postMessage('close') };
      },
    },
  ]);
});

describe('a socket of a worker thread with a guard', () => {
  const stage = stageOfEachTest();

  it('is reported by that guard alone', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const inMain = follow(guard);
    const { worker, port, said } = await startWorker(stage, true);
    await stage.visit(port, 'hello');

    const { leak } = await until('the leak', () => said.find(({ leak }) => leak));
    expect(leak).toMatchObject({ side: 'inbound', cause: 'never-read', server: `net:${port}`, localPort: port });
    expectKernelAgrees(leak!);

    // A later leak of the main thread's own: once it is reported, the other one has had its time there.
    const controlPort = await stage.listen(net.createServer(() => {}));
    await stage.visit(controlPort, 'hello');
    await until('the control', () => inMain.leaks.some(({ localPort }) => localPort === controlPort));
    expect(inMain.leaks.map(({ localPort }) => localPort)).toEqual([controlPort]);
    expect(guard.sockets().filter(({ localPort }) => localPort === port)).toEqual([]);

    worker.postMessage('close');
    await until('the release', () => said.some(({ released }) => released?.id === leak?.id));
    expect(said.filter(({ leak }) => leak)).toHaveLength(1);
  });

  it('is reported by that guard alone also when its addon is another file', async () => {
    // Another installation: the threads have no state in common, and the addon is loaded twice.
    const installed = mkdtempSync(path.join(tmpdir(), 'another-copy-'));
    stage.defer(() => rmSync(installed, { recursive: true, force: true }));
    for (const part of ['dist', 'build/Release', 'package.json']) {
      cpSync(path.join(root, part), path.join(installed, part), { recursive: true });
    }
    symlinkSync(path.join(root, 'node_modules'), path.join(installed, 'node_modules'));
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const inMain = follow(guard);
    const { port, said } = await startWorker(stage, true, installed);
    await stage.visit(port, 'hello');
    await until('the leak', () => said.find(({ leak }) => leak));

    const controlPort = await stage.listen(net.createServer(() => {}));
    await stage.visit(controlPort, 'hello');
    await until('the control', () => inMain.leaks.some(({ localPort }) => localPort === controlPort));
    expect(inMain.leaks.map(({ localPort }) => localPort)).toEqual([controlPort]);
  });

  it("is the main thread's again when that guard is closed", async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const inMain = follow(guard);
    const { worker, port, said } = await startWorker(stage, true);
    await stage.visit(port, 'hello');
    await until('the leak', () => said.find(({ leak }) => leak));
    expect(inMain.leaks).toEqual([]);
    worker.postMessage('close guard');
    const leak = await until('the main thread to find it', () => inMain.leaks[0]);
    expect(leak).toMatchObject({ localPort: port, cause: 'not-owned-by-this-thread' });
  });

  it('costs the main thread no time, however many there are', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const inMain = follow(guard);
    const { port, said } = await startWorker(stage, true);
    let longestMs = 0;
    // Not visit(): what each looks up in the kernel's table would take longer than all else.
    const clients = await Promise.all(Array.from({ length: 300 }, () => stage.connect(port)));
    for (const { socket } of clients) socket.end('hello');
    await until('all of them', () => {
      longestMs = Math.max(longestMs, guard.stats().lastSample.durationMs);
      return said.filter(({ leak }) => leak).length === 300;
    });
    expect(inMain.leaks).toEqual([]);
    // One listing of /proc/self/fd for each of them took more than a second; a machine that does other things takes its share too.
    expect(longestMs).toBeLessThan(500);
  });
});
