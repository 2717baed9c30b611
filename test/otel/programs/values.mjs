// Three leaks and a young half-closed socket; then one of the leaks is closed. What the exporters have, and what the kernel and the page of prom-client say.
import net from 'node:net';
import { createGuard } from 'close-wait-guard';
import { instrumentGuard } from 'close-wait-guard/otel';
import { collectGuardMetrics } from 'close-wait-guard/prometheus';
import { Registry } from 'prom-client';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { startSdk } from './sdk.mjs';
import { inCloseWait, listen, openFds, print, until, visit } from './sockets.mjs';

const sdk = startSdk();
const guard = createGuard({ closeWaitTimeout: 300, sampleInterval: 0 });
const register = new Registry();
collectGuardMetrics(guard, { register });
const dispose = instrumentGuard(guard);
let reads = 0;
const stats = guard.stats.bind(guard);
guard.stats = () => {
  reads++;
  return stats();
};
const sockets = new Map();
guard.on('leak', (leak, socket) => sockets.set(leak.id, socket));

const server = net.createServer(() => {});
const port = await listen(server);
guard.watch(server, { name: 'smtp' });
// What is half-closed here is no leak, however slow this machine is.
const patient = net.createServer(() => {});
const patientPort = await listen(patient);
guard.watch(patient, { name: 'patient', closeWaitTimeout: 3_600_000 });
const kernel = () => inCloseWait(port) + inCloseWait(patientPort);

const look = async () => {
  await nextTurn();
  const page = await register.metrics();
  const before = reads;
  const metrics = await sdk.metrics();
  const readsOfOne = reads - before;
  return {
    metrics,
    readsOfOne,
    deltas: await sdk.deltas(),
    exporter: await sdk.page(),
    page,
    kernel: kernel(),
    fds: openFds(),
  };
};

const before = await look();
for (let i = 0; i < 3; i++) await visit(port, 'hello');
await until('three leaks', () => guard.leaks().length === 3);
await visit(patientPort, 'young');
await until('the young one', () => kernel() === 4);
const leaked = await look();
[...sockets.values()][0].destroy();
await until('its fd to be closed', () => kernel() === 3);
const closed = await look();
for (const socket of sockets.values()) socket.destroy();
await until('their fds to be closed', () => kernel() === 1);
const all = await look();
const events = sdk.events();
dispose();
dispose();
const disposed = await look();
guard.close();
server.close();
patient.close();
print({ before, leaked, closed, all, disposed, events });
process.exit();
