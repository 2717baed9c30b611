// One leak and one healthy connection in whatever sandbox this was started in, beside a child that has come and gone. Prints what its
// guard found, counted and said, and ends. With the argument `preloaded` it has no guard of its own, and prints nothing; with `nobody`
// it gives up root for uid 65534 once the guard has worked.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGuard } from 'close-wait-guard';

const warnings = [];
process.on('warning', ({ code, message }) => warnings.push({ code, message }));
const leaks = [];
const guard = process.argv.includes('preloaded')
  ? undefined
  : createGuard({ closeWaitTimeout: 300, sampleInterval: 50 });
guard?.on('leak', ({ remotePort, kind, cause }) => leaks.push({ remotePort, kind, cause }));

const accepted = [];
const server = net.createServer((socket) => accepted.push(socket));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
guard?.watch(server, { name: 'sandboxed' });
if (process.argv.includes('nobody')) {
  await sleep(200);
  process.setgid(65534);
  process.setuid(65534);
}
const child = spawn('true', { stdio: 'ignore' });
await once(child, 'exit').catch(() => {});

async function connect() {
  const client = net.connect(server.address().port, '127.0.0.1');
  client.on('error', () => {});
  await once(client, 'connect');
  return client;
}
const healthy = await connect();
const leaving = await connect();
leaving.end('hello');
const port = leaving.localPort;
if (!guard) {
  await sleep(2_000);
  process.exit();
}
const deadline = performance.now() + 15_000;
while (!leaks.some(({ remotePort }) => remotePort === port) && performance.now() < deadline) await sleep(20);
await sleep(500);

const { supported, errors, fds, unsupportedReason, listeners, listenOverflows } = guard.stats();
const counted = Object.fromEntries(Object.entries(errors).filter(([, count]) => count > 0));
const others = leaks.filter(({ remotePort }) => remotePort !== port);
const found = leaks.length - others.length;
const result = { supported, unsupportedReason, found, others, counted, warnings, fds, listeners, listenOverflows };
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(healthy.destroyed ? 9 : 0));
