// The guard's own CPU for a request and for a connection. In one process and without the kernel: whole servers differ from each other by
// more than it costs. Blocks with and without the guard take turns, ABBA; a pair of blocks is one difference, and the
// median of the differences has an interval.
//
//   node bench/own-cost.mjs [--quick]
import fastify from 'fastify';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMain, measureInChild, taskOfChild } from './child.mjs';
import { machineLine } from './machine.mjs';
import { fixed, range, table } from './render.mjs';
import { median, medianInterval } from './stats.mjs';

const SELF = fileURLToPath(import.meta.url);
const DIST = new URL('../dist/', import.meta.url);
const KINDS = Object.freeze({
  plugin: 'the plugin, a keep-alive request',
  preload: 'the preload, a keep-alive request',
  nothing: '(nothing: the same without it)',
  connection: 'a connection, announced and closed',
});

export async function measureOwnCost({ quick, say }) {
  const rows = [];
  for (const [kind, what] of Object.entries(KINDS)) {
    const { differences } = await measureInChild(SELF, { kind, pairs: quick ? 20 : 120 });
    const row = { kind, what, median: median(differences), ...medianInterval(differences), pairs: differences.length };
    rows.push(row);
    say(`  ${what}: ${fixed(row.median, 2)} µs (${range(fixed(row.low, 2), fixed(row.high, 2))})`);
  }
  return rows;
}

export function renderOwnCost(rows) {
  return table(
    ["the guard's own CPU", 'µs: median (interval)', 'pairs of blocks'],
    rows.map(({ what, median: middle, low, high, pairs }) => [
      what,
      `${fixed(middle, 2)} (${range(fixed(low, 2), fixed(high, 2))})`,
      `${pairs}`,
    ]),
  );
}

async function inChild({ kind, pairs }) {
  const { createGuard, default: closeWaitGuard } = await import(new URL('index.js', DIST).href);
  const sides = await SIDES[kind]({ createGuard, closeWaitGuard });
  for (let i = 0; i < 6; i++) for (const side of sides) await side.block();
  const differences = [];
  for (let pair = 0; pair < pairs; pair++) {
    const took = { with: 0, without: 0 };
    for (const name of pair % 2 === 0 ? ABBA : BAAB) took[name] += await sides[name === 'with' ? 0 : 1].block();
    differences.push((took.with - took.without) / 2);
  }
  process.send({ differences }, () => process.exit());
}

const ABBA = ['with', 'without', 'without', 'with'];
const BAAB = ['without', 'with', 'with', 'without'];

const SIDES = {
  plugin: async ({ closeWaitGuard }) => {
    const [guarded, plain] = [fastify(), fastify()];
    await guarded.register(closeWaitGuard, {});
    return Promise.all([guarded, plain].map(async (app) => ({ block: await requestsTo(await ready(app)) })));
  },
  // What the preload is, as far as requests are concerned: a guard of the whole process.
  preload: async ({ createGuard }) => withAndWithout(createGuard, await requestsTo(await ready(fastify()))),
  nothing: async () => {
    const apps = [fastify(), fastify()];
    return Promise.all(apps.map(async (app) => ({ block: await requestsTo(await ready(app)) })));
  },
  connection: async ({ createGuard }) => withAndWithout(createGuard, await connectionsTo(createServer())),
};

async function ready(app) {
  app.get('/items/:id', async (request) => ({ id: request.params.id }));
  await app.ready();
  return app.server;
}

/** The same block, while there is a guard and while there is none. */
function withAndWithout(createGuard, block) {
  const guarded = async () => {
    const guard = createGuard();
    try {
      return await block();
    } finally {
      guard.close();
    }
  };
  return [{ block: guarded }, { block }];
}

const REQUEST = Buffer.from(
  'GET /items/42 HTTP/1.1\r\nhost: 127.0.0.1:8080\r\naccept: application/json\r\nuser-agent: bench\r\n\r\n',
);
const REQUESTS = 1_000;

/** A client within the process: its bytes go from stream to stream. Returns µs a request. */
async function requestsTo(server) {
  let answered = () => {};
  const connection = new Duplex({
    read() {},
    write(chunk, encoding, done) {
      if (chunk.includes('}')) answered();
      done();
    },
  });
  connection.setTimeout = connection.setNoDelay = connection.setKeepAlive = () => connection;
  server.emit('connection', connection);
  return async () => {
    const startedAt = process.cpuUsage();
    for (let i = 0; i < REQUESTS; i++) {
      await new Promise((resolve) => {
        answered = resolve;
        connection.push(REQUEST);
      });
    }
    return microsSince(startedAt) / REQUESTS;
  };
}

const CONNECTIONS = 1_000;
const FIRST_FD = 1_000_000;

/** As libuv would hand over accepted connections, which are closed again in the next turn. Returns µs a connection. */
async function connectionsTo(server) {
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return async () => {
    const startedAt = process.cpuUsage();
    for (let i = 0; i < CONNECTIONS; i += 50) {
      const sockets = [];
      server.once('connection', function note(socket) {
        sockets.push(socket);
        if (sockets.length < 50) server.once('connection', note);
      });
      for (let k = 0; k < 50; k++) server._handle.onconnection(0, new Handle(FIRST_FD + i + k));
      for (const socket of sockets) socket.destroy();
      await turn();
    }
    return microsSince(startedAt) / CONNECTIONS;
  };
}

/** What net.Socket asks of libuv's handle. */
class Handle {
  reading = false;

  constructor(fd) {
    this.fd = fd;
  }

  getAsyncId() {
    return this.fd;
  }

  getpeername() {
    return 0;
  }

  readStart() {
    return 0;
  }

  readStop() {
    return 0;
  }

  setNoDelay() {
    return 0;
  }

  setKeepAlive() {
    return 0;
  }

  ref() {}

  unref() {}

  close(done) {
    if (done) setImmediate(() => done.call(this));
  }
}

function microsSince(startedAt) {
  const { user, system } = process.cpuUsage(startedAt);
  return user + system;
}

const task = taskOfChild();
if (task) await inChild(task);
else if (isMain(import.meta.url)) {
  const rows = await measureOwnCost({
    quick: process.argv.includes('--quick'),
    say: (line) => process.stderr.write(`${line}\n`),
  });
  console.log(`${renderOwnCost(rows)}\n\n${machineLine()}`);
}
