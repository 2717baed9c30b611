// Servers of node:http that leak, and what their reports tell to write.
import { createWriteStream } from 'node:fs';
import http from 'node:http';
import { pipeline, Readable, Writable } from 'node:stream';
import { get, post } from '../../corpus/lib/peers.mjs';

const inbound = { kind: 'close-wait', side: 'inbound' };
const notRead = { ...inbound, cause: 'request-body-not-read' };
const UPGRADE = get('/feed', 'Connection: Upgrade\r\nUpgrade: feed\r\n');
const CONNECT = 'CONNECT db.test:5432 HTTP/1.1\r\nHost: db.test:5432\r\n\r\n';
const BODY = 'a body that is read\n'.repeat(20_000);
const stored = { method: 'POST', path: '/items', body: BODY };

/** A store that says nothing to large uploads, so that whoever waits for it waits for ever. */
const longUploads = async (server) => {
  const visitor = await server.connect();
  visitor.socket.end(post('/items', server.sizes.flood));
};

/** Where authorization fails, the listener returns and forgets the socket. */
const turnsAway = () => {
  const server = http.createServer((_req, res) => res.end('plain'));
  server.on('upgrade', (req, socket) => {
    if (!req.headers.authorization) return;
    socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  });
  return server;
};

export default {
  'begins-its-response-and-never-reads': {
    expect: { ...notRead, reason: 'not-touched' },
    program: () =>
      http.createServer((req, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' });
        res.write('data: hello\n\n');
        if (req.method === 'GET') res.end('data: bye\n\n');
      }),
    peer: async (server) => {
      const visitor = await server.connect();
      await visitor.send(post('/items', server.sizes.unreadBody));
      // What it has not read when it closes would be answered by a RST.
      await visitor.hears('data: hello');
      await visitor.leave();
    },
    fix: [[`if (req.method === 'GET') res.end('data: bye\\n\\n');`, `setTimeout(() => res.end(), 1_000);`]],
    says: ['res.end()'],
    healthy: (clients) => clients.ask({ path: '/feed' }, { body: 'data: hello\n\n' }),
  },

  'pauses-and-never-resumes': {
    expect: { ...notRead, reason: 'paused-by-reader' },
    program: () =>
      http.createServer((req, res) => {
        let bytes = 0;
        const turn = { then: (go) => req.headers['content-type'] ?? setImmediate(go) };
        req.on('data', (chunk) => {
          bytes += chunk.length;
          req.pause();
          turn.then(() => req.resume());
        });
        req.on('end', () => res.end(`got ${bytes}`));
      }),
    peer: (server) => server.visit(post('/items', server.sizes.begunBody)),
    fix: [['turn.then(() => req.resume());', 'setTimeout(() => req.resume(), 5);']],
    says: ['req.resume()'],
    healthy: (clients) => clients.ask(stored, { body: `got ${BODY.length}` }),
  },

  'proxies-to-who-takes-nothing': {
    expect: { ...notRead, kind: 'stalled', reason: 'destination-stalled' },
    upstream: () =>
      http.createServer((req, res) => {
        if (!req.headers['x-stuck']) req.resume().on('end', () => res.end('taken'));
      }),
    program: ({ upstream: port }) =>
      http.createServer((req, res) => {
        const stuck = req.headers['content-type'] ? { 'x-stuck': 'yes' } : {};
        const upstream = http.request({ port, method: 'POST', path: '/store', headers: stuck });
        upstream.on('response', (response) => response.pipe(res));
        upstream.on('error', () => res.destroy());
        req.pipe(upstream);
      }),
    peer: longUploads,
    fix: [['req.pipe(upstream);', 'upstream.setTimeout(1_000, () => res.destroy());\nreq.pipe(upstream);']],
    says: ['upstream.setTimeout(', ', () => res.destroy())'],
    healthy: (clients) => clients.ask(stored, { body: 'taken' }),
  },

  'writes-to-who-never-calls-back': {
    expect: { ...notRead, reason: 'destination-stalled' },
    program: () =>
      http.createServer((req, res) => {
        const store = new Writable({ write: (_chunk, _encoding, done) => req.headers['content-type'] ?? done() });
        req.pipe(store).on('finish', () => res.end('stored'));
      }),
    peer: (server) => server.visit(post('/items', server.sizes.abandonedBody)),
    fix: [
      [
        `req.pipe(store).on('finish', () => res.end('stored'));`,
        `const limit = setTimeout(() => res.destroy(), 1_000);
         req.pipe(store).on('finish', () => res.end('stored', () => clearTimeout(limit)));`,
      ],
    ],
    says: ['res.destroy()'],
    healthy: (clients) => clients.ask(stored, { body: 'stored' }),
  },

  'pipes-into-what-has-closed': {
    expect: { ...notRead, reason: 'destination-failed' },
    program: () =>
      http.createServer((req, res) => {
        const destination = new Writable({ write: (_chunk, _encoding, done) => done() });
        destination.on('finish', () => res.end('stored'));
        if (req.headers['content-type']) destination.destroy();
        setImmediate(() => {
          req.pipe(destination);
        });
      }),
    peer: (server) => server.visit(post('/items', server.sizes.begunBody)),
    fix: [
      [
        'req.pipe(destination);',
        `if (destination.destroyed) res.destroy();
          else pipeline(req, destination, (error) => error && res.destroy());`,
      ],
    ],
    says: ['pipeline(req, destination, (error) => error && res.destroy())', 'res.destroy()'],
    healthy: (clients) => clients.ask(stored, { body: 'stored' }),
  },

  'pipes-into-a-file-that-cannot-be-written': {
    expect: { ...notRead, reason: 'destination-failed' },
    program: () =>
      http.createServer((req, res) => {
        const destination = createWriteStream(req.headers['content-type'] ? '/dev/full' : '/dev/null');
        destination.on('error', () => console.log('disk full'));
        destination.on('finish', () => res.end('stored'));
        req.pipe(destination);
      }),
    peer: (server) => server.visit(post('/items', server.sizes.abandonedBody)),
    fix: [['req.pipe(destination);', 'pipeline(req, destination, (error) => error && res.destroy());']],
    says: ['pipeline(req, destination, (error) => error && res.destroy())'],
    healthy: (clients) => clients.ask(stored, { body: 'stored' }),
  },

  'loops-over-the-body-and-waits': {
    expect: { ...notRead, reason: 'iterator-stopped' },
    program: () =>
      http.createServer(async (req, res) => {
        let bytes = 0;
        for await (const chunk of req) {
          bytes += chunk.length;
          await new Promise((saved) => req.headers['content-type'] ?? saved());
        }
        res.end(`got ${bytes}`);
      }),
    peer: (server) => server.visit(post('/items', server.sizes.begunBody)),
    fix: [
      [
        'for await (const chunk of req) {',
        `const limit = setTimeout(() => res.destroy(), 1_000);
        res.on('finish', () => clearTimeout(limit));
        for await (const chunk of req) {`,
      ],
    ],
    says: ['res.destroy()'],
    healthy: (clients) => clients.ask(stored, { body: `got ${BODY.length}` }),
  },

  'reads-a-few-bytes-at-a-time': {
    expect: { ...notRead, reason: 'readable-left' },
    program: () =>
      http.createServer((req, res) => {
        let bytes = 0;
        req.on('readable', () => {
          const chunk = req.read();
          if (chunk !== null) bytes += chunk.length;
          if (req.headers['content-type']) req.read = () => null;
        });
        req.on('end', () => res.end(`got ${bytes}`));
      }),
    peer: (server) => server.visit(post('/items', server.sizes.begunBody)),
    fix: [
      [
        `const chunk = req.read();
          if (chunk !== null) bytes += chunk.length;
          if (req.headers['content-type']) req.read = () => null;`,
        `for (let chunk; (chunk = req.read()) !== null; ) bytes += chunk.length; // until it returns null`,
      ],
    ],
    says: ['until it returns null'],
    healthy: (clients) => clients.ask(stored, { body: `got ${BODY.length}` }),
  },

  'puts-a-web-stream-on-the-body': {
    expect: { ...notRead, kind: 'stalled', reason: 'web-stream-not-read' },
    program: () =>
      http.createServer(async (req, res) => {
        const body = Readable.toWeb(req);
        const scanned = new Promise((resolve) => req.headers['content-type'] ?? resolve());
        await scanned;
        let bytes = 0;
        for await (const chunk of body) bytes += chunk.length;
        res.end(`got ${bytes}`);
      }),
    peer: longUploads,
    fix: [
      [
        'await scanned;',
        `const late = new Promise((resolve) => setTimeout(resolve, 1_000, 'late'));
        if ((await Promise.race([scanned, late])) === 'late') return res.writeHead(503, { connection: 'close' }).end();`,
      ],
    ],
    says: [`res.writeHead(503, { connection: 'close' }).end()`],
    healthy: (clients) => clients.ask(stored, { body: `got ${BODY.length}` }),
  },

  'client-leaves-in-the-middle-of-its-body': {
    expect: { ...notRead, reason: 'client-error-listener' },
    program: () => {
      const server = http.createServer((req, res) => {
        req.resume();
        req.on('end', () => res.end('stored'));
      });
      server.on('clientError', (error, socket) => {
        console.log(error.code, socket.remoteAddress);
      });
      return server;
    },
    peer: (server) => server.visit(post('/items', 60_000).slice(0, -20_000)),
    fix: [['console.log(error.code, socket.remoteAddress);', 'socket.destroy(error);']],
    says: ['socket.destroy(error)'],
    healthy: (clients) => clients.ask(stored, { body: 'stored' }),
  },

  'answers-who-reads-nothing': {
    expect: { ...inbound, cause: 'write-stalled' },
    program: () => {
      const server = http.createServer((req, res) => {
        res.end(Buffer.alloc(req.url === '/film' ? 24 * 1024 * 1024 : 1_000, 'z'));
      });
      return server;
    },
    async peer(server) {
      const visitor = await server.connect({ read: false });
      await visitor.send(get('/film', 'Connection: close\r\n'));
      await visitor.halfClose();
    },
    fix: [['res.end(Buffer', 'res.setTimeout(1_000, () => res.destroy());\nres.end(Buffer']],
    says: ['() => res.destroy())'],
    healthy: (clients) => clients.ask({}, { body: Buffer.alloc(1_000, 'z') }),
  },

  'turns-an-upgrade-away-by-returning': {
    expect: { ...inbound, cause: 'half-open-not-ended', reason: 'upgrade-not-answered', method: 'GET', route: '/feed' },
    program: turnsAway,
    peer: (server) => server.visit(UPGRADE),
    fix: [['if (!req.headers.authorization) return;', 'if (!req.headers.authorization) return socket.destroy();']],
    says: ['socket.destroy()'],
    healthy: (clients) => clients.ask({}, { body: 'plain' }),
  },

  'turns-an-upgrade-with-bytes-behind-it-away': {
    expect: { ...inbound, cause: 'half-open-not-ended', reason: 'upgrade-not-answered' },
    program: turnsAway,
    async peer(server) {
      const visitor = await server.connect();
      await visitor.send(UPGRADE);
      await visitor.send('hello?');
      await visitor.leave();
    },
    fix: [['if (!req.headers.authorization) return;', 'if (!req.headers.authorization) return socket.destroy();']],
    says: ['socket.destroy()'],
    healthy: (clients) => clients.ask({}, { body: 'plain' }),
  },

  'connect-waits-for-a-target-that-is-dead': {
    expect: { ...inbound, cause: 'half-open-not-ended', reason: 'upgrade-not-answered', method: 'CONNECT' },
    program: () => {
      const server = http.createServer((_req, res) => res.end('plain'));
      server.on('connect', async (_req, socket) => {
        const target = new Promise(() => {});
        (await target).pipe(socket);
      });
      return server;
    },
    peer: (server) => server.visit(CONNECT),
    fix: [['(await target).pipe(socket);', 'setTimeout(() => socket.destroy(), 1_000);\n(await target).pipe(socket);']],
    says: ['socket.destroy()'],
    healthy: (clients) => clients.ask({}, { body: 'plain' }),
  },

  'answers-an-upgrade-to-who-reads-nothing': {
    expect: { ...inbound, cause: 'write-stalled', method: 'GET', route: '/feed' },
    program: () => {
      const server = http.createServer((_req, res) => res.end('plain'));
      server.on('upgrade', (_req, socket) => {
        socket.on('error', () => {});
        socket.resume().on('end', () => socket.end(Buffer.alloc(24 * 1024 * 1024, 'z')));
      });
      return server;
    },
    async peer(server) {
      const visitor = await server.connect({ read: false });
      await visitor.send(UPGRADE);
      await visitor.halfClose();
    },
    fix: [[`socket.on('error', () => {});`, 'socket.setTimeout(1_000, () => socket.destroy());']],
    says: ['socket.setTimeout(', '() => socket.destroy())'],
    healthy: (clients) => clients.ask({}, { body: 'plain' }),
  },
};

// A fix types it in.
void pipeline;
