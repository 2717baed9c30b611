// An application that knows nothing of the guard and starts the SDK itself.
import { startSdk } from './sdk.mjs';
import { listen, post, print, until, visit } from './sockets.mjs';

const sdk = startSdk({ http: true });
const http = sdk.require('node:http');
const port = await listen(http.createServer(() => {}));
await visit(port, post('/items/7'));
await until('the leak', () => sdk.events().length === 1);
const metrics = await until('the metrics', async () => {
  const found = await sdk.metrics();
  return found.length > 0 && found;
});
print({ events: sdk.events(), metrics });
process.exit();
