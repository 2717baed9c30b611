// The application that the faults must not hurt: an HTTP server that answers, a TCP server that leaks, and the sockets of one cell.
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for a condition; what was waited for is in the error. */
export async function until(what, holds, deadlineMs = 5_000) {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = holds();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs} ms for ${what}`);
    await sleep(1);
  }
}

/** Every open fd of this process but for the one that reads the list, as `3 socket:[123]`. */
export function openFds() {
  return fs.readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return `${name} ${fs.readlinkSync(`/proc/self/fd/${name}`)}`;
    } catch {
      return [];
    }
  });
}

export class Host {
  #http;
  #leaky;
  /** Accepted and not yet taken, by the port of the client. */
  #accepted = new Map();

  static async open() {
    const host = new Host();
    host.#http = http.createServer((_request, response) => response.end('alive')).listen(0, '127.0.0.1');
    host.#http.keepAliveTimeout = 1;
    host.#leaky = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      socket.on('error', () => {});
      host.#accepted.set(socket.remotePort, socket);
    });
    host.#leaky.listen(0, '127.0.0.1');
    await Promise.all([once(host.#http, 'listening'), once(host.#leaky, 'listening')]);
    return host;
  }

  get leaky() {
    return this.#leaky;
  }

  /** What the HTTP server answers: 'alive', if it is. */
  async answer() {
    const socket = net.connect(this.#http.address().port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk));
    socket.end('GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n');
    await once(socket, 'close');
    return /^HTTP\/1\.1 200 [\s\S]*\balive\b/.test(text) ? 'alive' : text.split('\r\n', 1)[0];
  }

  /** A connection to the server that reads nothing: both ends. */
  async connect() {
    const client = net.connect({ port: this.#leaky.address().port, host: '127.0.0.1', allowHalfOpen: true });
    client.on('error', () => {});
    await once(client, 'connect');
    const port = client.localPort;
    const socket = await until('the server to accept', () => this.#accepted.get(port));
    this.#accepted.delete(port);
    return { client, socket, port };
  }

  async close() {
    this.#http.close();
    this.#leaky.close();
    await Promise.all([once(this.#http, 'close'), once(this.#leaky, 'close')]);
  }
}

/** Two leaks, one by FIN and one by RST, beside what only looks like one. */
export class Cast {
  leaks = [];
  healthy = [];
  #pairs = [];

  async enter(host) {
    const [left, reset, idle, slow] = await Promise.all(Array.from({ length: 4 }, () => host.connect()));
    this.#pairs = [left, reset, idle, slow];
    this.leaks = [left.port, reset.port];
    this.healthy = [idle.port, slow.port];
    left.client.end('hello');
    // A socket that never carried a byte may as well be one that was never connected.
    await new Promise((resolve) => reset.client.write('hello', resolve));
    await host.answer();
    reset.client.resetAndDestroy();
    idle.socket.resume();
    // All of it is in the stream before the FIN: whether a step is progress must not depend on when the kernel delivers.
    slow.client.write(Buffer.alloc(60_000));
    slow.socket.read(0);
    await until('the slow reader to have its data', () => slow.socket.readableLength === 60_000);
    this.slow = slow.socket;
    this.#leaving = slow.client;
  }

  /** The slow reader's client, until it leaves. */
  #leaving;
  #steppedAtMs;
  /** The longest time without a step, ms: a machine that lets this process wait makes the slow reader idle. */
  longestPauseMs = 0;

  /** The slow reader takes a little: progress before each sample. */
  step() {
    const nowMs = performance.now();
    this.longestPauseMs = Math.max(this.longestPauseMs, nowMs - (this.#steppedAtMs ?? nowMs));
    this.#steppedAtMs = nowMs;
    this.slow?.read(30);
    this.#leaving?.end();
    this.#leaving = undefined;
  }

  /** Whose report this is, by the port of the client: a report under a fault may not name it. */
  portOf(report, socket) {
    return this.#pairs.find((pair) => pair.socket === socket)?.port ?? report.remotePort;
  }

  aHealthyOneIsEnded() {
    return this.#pairs.some(
      ({ port, socket, client }) => this.healthy.includes(port) && (socket.destroyed || client.destroyed),
    );
  }

  /** Ends every connection, and waits until Node has closed their fds. */
  async leave() {
    const open = this.#pairs.flatMap(({ client, socket }) => [client, socket]).filter((socket) => !socket.closed);
    for (const socket of open) socket.destroy();
    await Promise.all(open.map((socket) => socket.closed || once(socket, 'close')));
  }
}
