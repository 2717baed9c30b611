/** The demo: seven chapters. */
import { startApp, UPLOAD_BYTES } from './app.mjs';
import { check, until } from './check.mjs';
import { startClients } from './clients.mjs';
import { bold, chapter, count, dim, green, notShown, plural, red, say, seconds, table, title } from './print.mjs';
import { LEAKS_EXPECTED, address } from './wording.mjs';
import { innocentSuspects, leakReports, twoViews } from './evidence.mjs';
import { closedAfterAll, scrape } from './metrics.mjs';

const CLOSE_WAIT_TIMEOUT = 2_000;
const SAMPLE_INTERVAL = 250;
const PATIENCE_MS = 500;

export async function tellStory() {
  if (process.platform !== 'linux') {
    notShown('the demo', `close-wait-guard reads Linux kernel state, and this is ${process.platform}.`);
    return 0;
  }
  const startedAt = performance.now();
  /** What Fastify logs, one JSON line each. */
  const log = [];
  const app = await startApp({
    closeWaitTimeout: CLOSE_WAIT_TIMEOUT,
    sampleInterval: SAMPLE_INTERVAL,
    log: { write: (line) => log.push(JSON.parse(line)) },
  });
  try {
    check(app.guard.supported, 'The guard runs on this machine', app.guard.stats().unsupportedReason);
    const found = [];
    const released = [];
    app.guard.on('leak', (leak) => found.push(leak));
    app.guard.on('released', (leak) => released.push(leak));

    title('close-wait-guard: sockets whose peer has gone, and that nobody closes');
    say(
      'A client closes its connection; the server never calls close() on its side. Nothing in the kernel ever ends that.',
      '',
    );
    whatRuns(app);
    await clientsComeAndGo(app);
    await until(() => found.length >= LEAKS_EXPECTED, `The guard reports ${LEAKS_EXPECTED} leaks`);
    const leaks = twoViews(app);
    innocentSuspects(app);
    leakReports(leaks, log);
    await scrape(app);
    await closedAfterAll(app, released, log);
    const took = seconds(performance.now() - startedAt);
    say();
    say(
      `${green('Done:')} ${plural(leaks.length, 'leaked socket')} found by route and cause, exported, closed and released again; ` +
        `the kernel agreed every time (${took}).`,
      '',
    );
    say(dim('npm run demo -- --collision shows what a leak does to the next client; npm start serves this app.'), '');
    return 0;
  } finally {
    await app.close();
  }
}

function whatRuns({ ports }) {
  chapter(1, 'What runs');
  const [healthy, leaks] = [green('healthy'), red('leaks')];
  table(
    ['server', 'listens on', 'handler', '', ''],
    [
      [`http:${ports.http}`, address(ports.http), 'GET  /items/:id', 'answers', healthy],
      ['', '', 'PUT  /items/:id', 'reads the upload and answers', healthy],
      ['', '', 'POST /items/:id', 'hands the upload to a queue without a worker, never answers', leaks],
      ['time', address(ports.time), 'raw TCP', 'answers and ends', healthy],
      ['smtp', address(ports.smtp), 'raw TCP', "allowHalfOpen: true, no end() when the client's end comes", leaks],
      [
        'collector',
        address(ports.collector),
        'raw TCP',
        'waits for a free slot before it reads, slots never get free',
        leaks,
      ],
    ],
  );
  say();
  say(
    `The guard calls a socket leaked when its peer has gone and nothing has happened on it for closeWaitTimeout: ` +
      `${bold(seconds(CLOSE_WAIT_TIMEOUT))} in this demo, 60 s unless you set it.`,
  );
}

async function clientsComeAndGo({ ports }) {
  chapter(2, 'Clients come and go');
  const request = (method, bodyBytes = 0) => ({
    port: ports.http,
    bodyBytes,
    head:
      `${method} /items/7?token=secret HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n` +
      (bodyBytes > 0 ? `Content-Type: application/octet-stream\r\nContent-Length: ${bodyBytes}\r\n\r\n` : '\r\n'),
  });
  const size = `${count(UPLOAD_BYTES)} bytes`;
  // Each kind of client: how many, what they do, and who must hang up in the end.
  const kinds = [
    { clients: 20, what: 'GET  /items/7', visit: request('GET'), hungUpBy: 'server' },
    { clients: 10, what: `PUT  /items/7, ${size}`, visit: request('PUT', UPLOAD_BYTES), hungUpBy: 'server' },
    { clients: 3, what: `POST /items/7, ${size}`, visit: request('POST', UPLOAD_BYTES), hungUpBy: 'client' },
    { clients: 5, what: 'time', visit: { port: ports.time }, hungUpBy: 'server' },
    {
      clients: 2,
      what: 'smtp, EHLO',
      visit: { port: ports.smtp, head: 'EHLO client.example\r\n' },
      hungUpBy: 'client',
    },
    {
      clients: 1,
      what: 'collector, one line',
      visit: { port: ports.collector, head: 'orders.total 7\n' },
      hungUpBy: 'client',
    },
  ];
  const clients = startClients();
  const groups = await Promise.all(
    kinds.map(({ clients: number, visit, hungUpBy }) => {
      const patienceMs = hungUpBy === 'client' ? PATIENCE_MS : 5_000;
      return Promise.all(Array.from({ length: number }, () => clients.visit({ ...visit, patienceMs })));
    }),
  );
  await clients.leave();
  const rows = kinds.map(({ what, hungUpBy }, index) => {
    const group = groups[index];
    check(
      group.every((visited) => visited.hungUpBy === hungUpBy && visited.error === undefined),
      `The ${hungUpBy} hangs up: ${what}`,
      group,
    );
    const got = group[0].answer === '' ? 'no answer' : `"${group[0].answer}"`;
    const end = hungUpBy === 'server' ? 'the server closed' : `after ${seconds(PATIENCE_MS)} the client closed`;
    return [group.length, what, got, end];
  });
  table(['>clients', 'asked', 'got', 'then'], rows);
  say();
  say(
    `All ${plural(groups.flat().length, 'client')} have closed their connections, and their process has ended. Nobody is left to talk to. ` +
      `Now nothing happens for ${seconds(CLOSE_WAIT_TIMEOUT)} ...`,
  );
}
