/**
 * Express: watch the server that listen() returns, and serve prom-client's registry yourself.
 *
 *   npm install --no-save express@5
 *   node examples/express.mjs
 *   head -c 100000 /dev/zero | curl -m 1 --data-binary @- http://127.0.0.1:3000/photos/7
 *   curl http://127.0.0.1:3000/metrics
 *
 * The same upload to /thumbnails/7 leaks nothing. (150000 bytes on Node 22 and later, see README.md.)
 */
import { createGuard } from 'close-wait-guard';
import { collectGuardMetrics } from 'close-wait-guard/prometheus';
import express from 'express';
import { register } from 'prom-client';

const app = express();

app.post('/photos/:id', () => {
  // The bug: the body is not read, and no answer is sent. `request.pipe(...)` or `response.sendStatus(...)` would do.
});

app.post('/thumbnails/:id', async (request, response) => {
  let bytes = 0;
  for await (const chunk of request) bytes += chunk.length;
  response.json({ id: request.params.id, bytes });
});

app.get('/metrics', async (_request, response) => {
  response.type(register.contentType).send(await register.metrics());
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});

const guard = createGuard({ closeWaitTimeout: 2_000 }); // 60 s by default; short here, so that you need not wait
guard.watch(server, { name: 'shop' });
collectGuardMetrics(guard);
guard.on('leak', (leak) => {
  console.log(`leaked: ${leak.explanation}\nfix:    ${leak.fix}`);
});
