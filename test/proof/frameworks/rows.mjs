// One program for each server of the table, and what its report has to say. A client uploads what nobody reads and leaves; where
// there is `upgrade`, it leaves a WebSocket that is paused.
const PHOTO = '/albums/summer/photos/7';
const ALBUM = '/albums/:album/photos/:id';
const FOLDED = '/albums/summer/photos/:n';

/** `fixes`: calls, of which the report's fix has to name one. It is typed in where the program says. */
const fixes = {
  restify: [`res.send(503, '', { connection: 'close' })`],
  node: ["res.writeHead(503, { connection: 'close' }).end()", 'req.resume()'],
  fastify: ["reply.code(503).header('connection', 'close').send()", 'request.raw.resume()'],
  koa: ["ctx.throw(503, { headers: { connection: 'close' } })", 'ctx.req.resume()'],
  hapi: ["return h.response().code(503).header('connection', 'close')", 'request.raw.req.resume()'],
  // Not resume(): a web stream's adapter owns the request, and undoes that at once.
  hono: ["return c.body(null, 503, { connection: 'close' })"],
  ws: ['ws.resume()', 'ws.terminate()'],
};

const row = (server, app, rest) => ({
  server,
  app: `${app}.mjs`,
  file: `${app}.mjs`,
  target: PHOTO,
  route: ALBUM,
  fixes: fixes.node,
  ...rest,
});

/** `api`: the folder of test/apis whose packages it needs; none where they are the checkout's own. */
export const rows = [
  row('Fastify', 'fastify', { framework: 'fastify', route: `${ALBUM}?`, fixes: fixes.fastify }),
  row('Fastify with @fastify/websocket', 'fastify-websocket', {
    api: 'fastify-websocket',
    framework: 'fastify',
    upgrade: true,
    target: '/rooms/7',
    route: '/rooms/:id',
    fixes: fixes.ws,
  }),
  row('NestJS on Express', 'nest-express', {
    api: 'nest',
    file: 'nest.mjs',
    framework: 'express',
    target: `/api${PHOTO}`,
    route: `/api${ALBUM}`,
  }),
  row('NestJS on Fastify', 'nest-fastify', {
    api: 'nest',
    file: 'nest.mjs',
    framework: 'fastify',
    target: `/api${PHOTO}`,
    route: `/api${ALBUM}`,
    fixes: fixes.fastify,
  }),
  row('Express 4', 'express', { api: 'express4', framework: 'express' }),
  row('Express 5', 'express', { framework: 'express' }),
  row('Koa', 'koa', { api: 'koa', framework: 'koa', fixes: fixes.koa }),
  row('hapi', 'hapi', { api: 'hapi', framework: 'hapi', route: '/albums/{album}/photos/{id}', fixes: fixes.hapi }),
  row('Hono on node-server', 'hono', { api: 'hono', framework: 'hono', fixes: fixes.hono }),
  row('Next, custom server', 'next', {
    api: 'next',
    framework: 'next',
    file: 'next/pages/api/photos/[id].js',
    target: '/api/photos/7',
    // Next compiles a page when it is asked for.
    warm: true,
    route: '/api/photos/[id]',
  }),
  row('restify', 'restify', { api: 'restify', framework: 'restify', fixes: fixes.restify }),
  row('polka', 'polka', { api: 'polka', framework: 'polka' }),
  row('http', 'http', { framework: 'http', route: FOLDED }),
  row('https', 'https', { framework: 'http', secure: true, route: FOLDED }),
  // Its sessions read all that comes: what leaks is what it takes over HTTP/1.
  row('http2, allowHTTP1', 'http2', { framework: 'http', secure: true, route: FOLDED }),
  row('socket.io', 'socket.io', {
    api: 'socket.io',
    framework: 'socket.io',
    target: '/socket.io/?EIO=4&transport=polling',
    route: '/socket.io/',
  }),
  row('Apollo on Express', 'apollo', { api: 'apollo', framework: 'express', target: '/graphql', route: '/graphql' }),
];
