/**
 * Next with a custom server: watch that server. Routes are read from what Next leaves on a request.
 *
 *   npm install --no-save next@16 react@19 react-dom@19
 *   node examples/next/server.mjs
 *   head -c 100000 /dev/zero | curl -m 1 --data-binary @- http://127.0.0.1:3000/api/photos/7
 *
 * The same upload to /api/thumbnails/7 leaks nothing. (150000 bytes on Node 22 and later, see ../README.md.)
 */
import http from 'node:http';
import { createGuard } from 'close-wait-guard';
import next from 'next';

const app = next({ dev: true, dir: import.meta.dirname });
await app.prepare();
const handle = app.getRequestHandler();
const server = http.createServer((request, response) => void handle(request, response));
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});

const guard = createGuard({ closeWaitTimeout: 2_000 }); // 60 s by default; short here, so that you need not wait
guard.watch(server, { name: 'shop' });
guard.on('leak', (leak) => {
  console.log(`leaked: ${leak.explanation}\nfix:    ${leak.fix}`);
});
