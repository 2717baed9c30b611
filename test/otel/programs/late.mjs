// The guard is reported before the SDK is there, as a preload does it. Nobody here keeps the process alive but for the leak.
import net from 'node:net';
import { createGuard } from 'close-wait-guard';
import { instrumentGuard } from 'close-wait-guard/otel';
import { startSdk } from './sdk.mjs';
import { listen, print, until, visit } from './sockets.mjs';

const guard = createGuard({ closeWaitTimeout: 300, sampleInterval: 50 });
instrumentGuard(guard);
let conflict;
try {
  instrumentGuard(guard);
} catch (error) {
  conflict = { code: error.code, message: error.message };
}
const sdk = startSdk();
const server = net.createServer(() => {});
const port = await listen(server);
guard.watch(server, { name: 'smtp' });
await visit(port, 'hello');
await until('the leak', () => sdk.events().length === 1);
const metrics = await until('the metrics', async () => {
  const found = await sdk.metrics();
  return found.length > 0 && found;
});
print({ conflict, metrics, events: sdk.events() });
process.exit();
