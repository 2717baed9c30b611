/**
 * Workers that are terminated in mid-sample: each opens connections, leaks some, and samples without a pause until its thread is ended.
 * The main thread has a guard of its own meanwhile. Prints as JSON what is left when all are gone.
 *
 *   node test/kernel/torture.mjs [ROUNDS] [WORKERS A ROUND]
 */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createGuard } from 'close-wait-guard';

async function serve() {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
    socket.on('error', () => {}),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** A client that has said its word and left. */
async function visit(server) {
  const client = net.connect(server.address().port, '127.0.0.1');
  client.on('error', () => {});
  await once(client, 'connect');
  client.end('hello');
}

async function beTerminated() {
  const server = await serve();
  await Promise.all(Array.from({ length: 4 }, () => visit(server)));
  const guards = [
    createGuard({ closeWaitTimeout: 5, sampleInterval: 0 }),
    createGuard({ closeWaitTimeout: 5, sampleInterval: 10 }),
  ];
  guards[0].watch(server, { name: 'tortured' });
  parentPort.postMessage('samples');
  for (;;) {
    guards[0].sockets();
    guards[0].stats();
    // Now and then a guard that opens and closes its watch, and a turn of the loop for the timed one.
    if (workerData.churns) createGuard({ sampleInterval: 0 }).close();
    if (Math.random() < 0.1) await sleep(1);
  }
}

const inodes = () =>
  fs.readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      const link = fs.readlinkSync(`/proc/self/fd/${name}`);
      return /^socket:|eventpoll/.test(link) ? [link] : [];
    } catch {
      return [];
    }
  });

async function torture([rounds, workers]) {
  const server = await serve();
  const guard = createGuard({ closeWaitTimeout: 50, sampleInterval: 10 });
  const leaks = [];
  guard.on('leak', (leak) => leaks.push(leak));
  await sleep(50);
  const before = inodes().length;
  let terminated = 0;
  for (let round = 0; round < rounds; round++) {
    await Promise.all(
      Array.from({ length: workers }, async (_, i) => {
        const worker = new Worker(new URL(import.meta.url), { workerData: { churns: i % 2 === 0 } });
        await once(worker, 'message');
        // Each at another moment of its samples.
        await sleep((i * 7) % 13);
        await worker.terminate();
        terminated++;
      }),
    );
  }
  // The process is as it was, and the guard works: it finds a leak of this thread.
  const deadline = performance.now() + 10_000;
  while (inodes().length > before && performance.now() < deadline) await sleep(20);
  const left = inodes().length - before;
  const { port } = server.address();
  await visit(server);
  while (!leaks.some((leak) => leak.localPort === port) && performance.now() < deadline) await sleep(20);
  const finds = leaks.some((leak) => leak.localPort === port);
  process.stdout.write(
    `${JSON.stringify({ terminated, fdsLeft: left, finds, errors: guard.stats().errors.sample })}\n`,
    () => process.exit(left > 0 || !finds || terminated !== rounds * workers ? 1 : 0),
  );
}

if (isMainThread)
  await torture(
    process.argv
      .slice(2)
      .map(Number)
      .concat([20, 20].slice(process.argv.length - 2)),
  );
else await beTerminated();
