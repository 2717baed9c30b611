/**
 * A service for each cause that a request can make: what its handlers do, the fix that the report says, typed in, and what the client
 * does that leaves. `ask` is what the client sends; it leaves when that is sent, or when what it `waitsFor` has come.
 */
const request = (method, path, headers = [], body = '') =>
  `${[`${method} ${path} HTTP/1.1`, 'Host: shop', 'traceparent: 00-TRACE-00f067aa0ba902b7-01', ...headers].join('\r\n')}\r\n\r\n${body}`;
const upload = (path) =>
  request('POST', path, ['Content-Type: application/octet-stream', 'Content-Length: 180000'], 'x'.repeat(180_000));
const upgrade = (path) => request('GET', path, ['Connection: Upgrade', 'Upgrade: chat']);

/** A server of the service that speaks no HTTP. */
const smtp = (onConnection, options = '{}') => `
  const kept = [];
  app.smtp = net.createServer(${options}, (socket) => {
    ${onConnection}
  });
  app.closeWaitGuard.watch(app.smtp, { name: 'smtp' });`;
const overSmtp = { ask: 'EHLO shop\r\n', isHttp: false, hasTrace: false };

export const cases = {
  'request-body-not-read': {
    handlers: `
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  app.post('/items/:id', async (request, reply) => {
    await lock(1_000);
    return reply.code(503).send();
  });`,
    leaks: 'await lock(1_000);',
    fix: "if (!(await locked(1_000))) return reply.code(503).header('connection', 'close').send();",
    ask: upload('/items/7'),
  },
  'response-not-ended': {
    handlers: `
  app.server.httpAllowHalfOpen = true;
  app.get('/orders/:id', async (_request, reply) => {
    await lock(1_000);
    return reply.send('here');
  });`,
    leaks: 'await lock(1_000);',
    fix: 'if (!(await locked(1_000))) return reply.code(503).send();',
    ask: request('GET', '/orders/7'),
  },
  'request-body-abandoned': {
    handlers: `
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  app.post('/archive/:id', async (request, reply) => {
    await new Promise((resolve) => request.raw.once('data', () => request.raw.pause()) && setTimeout(resolve, 50));
    return reply.code(500).send('disk full');
  });`,
    leaks: "return reply.code(500).send('disk full');",
    fix: "return reply.code(500).header('connection', 'close').send('disk full');",
    ask: upload('/archive/7'),
  },
  'half-open-not-ended': {
    handlers: `
  app.server.on('upgrade', (_request, socket) => {
    socket.on('data', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: chat\\r\\n\\r\\n');
  });`,
    leaks: "socket.on('data', () => {});",
    fix: "socket.on('data', () => {}).on('end', () => socket.end());",
    ask: upgrade('/live'),
    waitsFor: '101',
    // Node keeps nothing of a request that was upgraded.
    hasTrace: false,
  },
  'response-body-not-read': {
    handlers: `
  app.get('/report/:id', async (request, reply) => {
    const { traceparent } = request.headers;
    const response = await new Promise((resolve) => http.get({ ...upstream(), headers: { traceparent: traceparent ?? '' } }, resolve));
    return reply.send({ status: response.statusCode });
  });`,
    leaks: 'return reply.send({ status: response.statusCode });',
    fix: 'response.resume();\n    return reply.send({ status: response.statusCode });',
    ask: request('GET', '/report/7'),
    waitsFor: '200 OK',
  },
  paused: {
    handlers: `
  app.server.on('upgrade', (_request, socket) => {
    socket.on('data', () => socket.pause());
    socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: chat\\r\\n\\r\\n');
  });`,
    leaks: "socket.on('data', () => socket.pause());",
    fix: "socket.on('data', () => {}).on('end', () => socket.end());",
    ask: upgrade('/live'),
    waitsFor: '101',
    thenSays: 'x'.repeat(200_000),
    hasTrace: false,
  },
  'write-stalled': {
    handlers: `
  app.server.httpAllowHalfOpen = true;
  app.get('/export/:id', async (_request, reply) => {
    reply.raw.setTimeout(0);
    return reply.send(Buffer.alloc(40_000_000));
  });`,
    leaks: 'reply.raw.setTimeout(0);',
    fix: 'reply.raw.setTimeout(500, () => reply.raw.destroy());',
    ask: request('GET', '/export/7'),
    reads: false,
  },
  'pipelined-behind-pending-response': {
    handlers: `
  app.get('/slow/:id', async (_request, reply) => {
    await lock(1_000);
    return reply.send('here');
  });
  app.get('/fast/:id', (_request, reply) => void reply.send('p'.repeat(262_144)));`,
    leaks: 'await lock(1_000);',
    fix: 'if (!(await locked(1_000))) return reply.code(503).send();',
    ask: request('GET', '/slow/7') + Array.from({ length: 3 }, () => request('GET', '/fast/7')).join(''),
    // The report names one request of several.
    isTestable: false,
  },
  'never-read': {
    handlers: smtp('kept.push(socket);'),
    leaks: 'kept.push(socket);',
    fix: 'kept.push(socket.resume());',
    ...overSmtp,
  },
  'held-by-another-process': {
    handlers: smtp(
      `spawn('sleep', ['60'], { stdio: ['ignore', socket, 'ignore'] }).unref();
    socket.destroy();`,
      '{ pauseOnConnect: true }',
    ),
    leaks: `spawn('sleep', ['60'], { stdio: ['ignore', socket, 'ignore'] }).unref();
    socket.destroy();`,
    fix: `const child = spawn('sleep', ['60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.pipe(socket.resume());
    socket.on('close', () => child.kill());`,
    ...overSmtp,
  },
  'detached-handle': {
    handlers: smtp(`const handle = socket._handle;
    handle.readStop();
    socket._handle = null;
    kept.push(handle);
    socket.destroy();`),
    leaks: 'kept.push(handle);',
    fix: 'handle.close();',
    // No socket of the thread has it, so no request does.
    isTestable: false,
    ...overSmtp,
  },
};
