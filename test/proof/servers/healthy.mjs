// Clients that do as they should, slow ones among them. Nothing of what they use may be reported.
import http from 'node:http';
import { Client } from './client.mjs';
import { CLOSE, NORMAL_CLOSURE, PING, TEXT, UPGRADE, body, frame, head, typeOf, whole } from './wire.mjs';

/**
 * A kernel opens a full receive window again only when a sixteenth of its buffer is free: a much slower reader makes no
 * progress that the server could see within the time-out.
 */
const SLOW_BYTES_PER_S = [1_000_000, 300_000];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs all of them for so long. @returns how often each came to its end, by name */
export async function healthyLoad(port, requests, { durationMs }) {
  const until = performance.now() + durationMs;
  const counts = {};
  const repeat = async (name, run) => {
    while (performance.now() < until) {
      let key = name;
      try {
        await run(until);
      } catch (error) {
        key = `${name}: ${error.code ?? error.message}`;
      }
      counts[key] = (counts[key] ?? 0) + 1;
      await pause(50 + Math.random() * 300);
    }
  };
  const web = requests.filter((request) => !request.upgrade && !request.steps);
  const quick = web.filter((request) => !request.large && !request.poll && !request.unanswered);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const any = () => quick[Math.floor(Math.random() * quick.length)];
  const clients = [];
  if (quick.length > 0) {
    for (let i = 0; i < 3; i++) clients.push(repeat('keep-alive', () => exchange(port, any(), agent)));
    clients.push(repeat('a connection each', () => exchange(port, any(), false)));
  }
  for (const request of web.filter(({ large }) => large)) {
    for (const rate of SLOW_BYTES_PER_S) {
      clients.push(repeat(`slow reader ${request.path}`, (end) => slowReader(port, request, { rate, end })));
    }
  }
  for (const request of web.filter(({ poll }) => poll)) {
    clients.push(repeat(`long poll ${request.path}`, () => exchange(port, request, false)));
  }
  for (const request of quick.filter(({ takesBody }) => takesBody)) {
    clients.push(repeat(`slow uploader ${request.path}`, () => slowUploader(port, request)));
  }
  for (const request of requests.filter((each) => each.upgrade && !each.refused)) {
    for (let i = 0; i < 2; i++)
      clients.push(repeat(`WebSocket ${request.path}`, (end) => webSocket(port, request, end)));
  }
  for (const request of requests.filter(({ steps }) => steps)) {
    clients.push(repeat(`talk ${request.name}`, () => talk(port, request)));
  }
  await Promise.all(clients);
  agent.destroy();
  return counts;
}

/** One request, its response read to its end. */
function exchange(port, request, agent) {
  return new Promise((resolve, reject) => {
    const text = request.takesBody ? (request.body ?? body(request, 200)) : undefined;
    const headers = { ...typeOf(request), ...request.headers };
    const sent = http.request({ port, host: '127.0.0.1', method: request.method, path: request.path, headers, agent });
    sent.on('error', reject);
    sent.on('response', (response) => response.on('error', reject).on('end', resolve).resume());
    sent.end(text);
  });
}

/** Reads so many bytes a second for as long as the load runs, and then the rest at once: it does not leave before the end. */
function slowReader(port, request, { rate, end }) {
  return new Promise((resolve, reject) => {
    const { path, headers } = request;
    http
      .get({ port, host: '127.0.0.1', path, headers, agent: false }, (response) => {
        response.pause();
        const timer = setInterval(() => {
          if (performance.now() > end) response.resume();
          // Of an empty buffer read() only asks for more.
          else response.read(Math.min(rate / 10, response.readableLength));
        }, 100);
        response.on('end', resolve).on('error', reject);
        response.on('close', () => clearInterval(timer));
      })
      .on('error', reject);
  });
}

/** Half a second between two pieces of a body. */
async function slowUploader(port, request) {
  const client = await Client.connect(port);
  const bytes = request.body === undefined ? body(request, 200_000) : Buffer.from(request.body);
  await client.send(head(request, { ...typeOf(request), 'Content-Length': bytes.length, Connection: 'close' }));
  const piece = Math.ceil(bytes.length / 10);
  for (let at = 0; at < bytes.length && !client.ended; at += piece) {
    await client.send(bytes.subarray(at, at + piece));
    await pause(500);
  }
  await client.receive({ patienceMs: 3000 });
  client.leave('fin');
}

async function webSocket(port, request, end) {
  const client = await Client.connect(port);
  await client.send(head(request, UPGRADE));
  await client.receive({ text: '\r\n\r\n', patienceMs: 3000 });
  if (!client.start.includes(' 101 ')) {
    client.destroy();
    throw new Error(client.start.split('\r\n')[0] || 'no answer');
  }
  const stop = Math.min(end, performance.now() + 6000);
  while (performance.now() < stop && !client.ended) {
    await client.send(request.message === undefined ? frame(PING) : frame(TEXT, request.message));
    await client.receive({ bytes: client.count + 1, patienceMs: 500 });
    await pause(200);
  }
  await client.send(frame(CLOSE, NORMAL_CLOSURE));
  await client.receive({ patienceMs: 1000 });
  client.leave('fin');
}

async function talk(port, { steps, goodbye = '' }) {
  const client = await Client.connect(port);
  for (const bytes of steps.filter((step) => step.length < 10_000)) {
    await client.receive({ bytes: client.count + 1, patienceMs: 400 });
    await client.send(bytes);
    await pause(300);
  }
  await client.send(goodbye);
  await client.receive({ patienceMs: 800 });
  client.leave('fin');
}

/** So that a server that compiles on the first request has done so. */
export async function warmUp(port, requests) {
  for (const request of requests.filter((each) => !each.upgrade && !each.steps && !each.unanswered && !each.poll)) {
    const client = await Client.connect(port);
    await client.send(whole(request));
    await client.receive({ bytes: 1, patienceMs: 20_000 });
    await client.receive();
    client.leave('fin');
  }
}

/** Until it answers three times in a row within so long, at most for half a minute. */
export async function untilResponsive(port, requests, { withinMs = 300 } = {}) {
  const request = requests.find((each) => !each.upgrade && !each.unanswered && !each.poll && !each.large);
  const until = performance.now() + 30_000;
  for (let prompt = 0; prompt < 3 && performance.now() < until;) {
    const started = performance.now();
    try {
      const client = await Client.connect(port);
      await client.send(request.steps === undefined ? whole(request) : request.steps[0]);
      await client.receive({ bytes: 1, patienceMs: 5000 });
      client.destroy();
    } catch {
      return; // It has ended.
    }
    prompt = performance.now() - started < withinMs ? prompt + 1 : 0;
    await pause(100);
  }
}
