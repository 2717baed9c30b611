import http from 'node:http';
import path from 'node:path';
import next from 'next';

const app = next({ dev: true, dir: path.join(import.meta.dirname, 'next') });
await app.prepare();
const handle = app.getRequestHandler();
const server = http.createServer((req, res) => handle(req, res));
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
