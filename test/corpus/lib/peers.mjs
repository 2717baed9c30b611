// The other ends of a case's connections. They live in the runner's process, which has no guard.
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';

const fixtures = new URL('../../fixtures/tls/', import.meta.url);
/** A key and a self-signed certificate for localhost. */
export const localhost = Object.freeze({
  key: fs.readFileSync(new URL('key.pem', fixtures)),
  cert: fs.readFileSync(new URL('cert.pem', fixtures)),
});
/** What a client needs to trust it, also where it connects by address. */
export const trusting = Object.freeze({ ca: localhost.cert, servername: 'localhost' });

export async function until(what, condition, timeoutMs = 8_000) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await sleep(10);
  }
}

/** What a case's `peer` is given: clients of its program, and an end for all of them. */
export class Peers {
  #undo = [];

  /** @param port of the program under test; undefined when it listens on none. */
  constructor(port, sizes) {
    this.port = port;
    this.sizes = sizes;
  }

  async connect({ read = true } = {}) {
    const socket = net.connect({ port: this.port, host: '127.0.0.1', allowHalfOpen: true });
    const visitor = this.#visitor(socket, read);
    await once(socket, 'connect');
    return visitor;
  }

  async connectSecurely() {
    const socket = tls.connect({ port: this.port, host: '127.0.0.1', ...trusting });
    const visitor = this.#visitor(socket, true);
    await once(socket, 'secureConnect');
    return visitor;
  }

  /** Connects, sends, gives the program a moment to act, and closes. */
  async visit(data) {
    const visitor = await this.connect();
    await visitor.send(data);
    await sleep(150);
    await visitor.leave();
  }

  every(ms, what) {
    const timer = setInterval(what, ms);
    this.#undo.push(() => clearInterval(timer));
  }

  undo(what) {
    this.#undo.push(what);
  }

  end() {
    for (const undo of this.#undo.splice(0)) undo();
  }

  #visitor(socket, read) {
    this.#undo.push(() => socket.destroy());
    return new Visitor(socket, read);
  }
}

class Visitor {
  text = '';

  constructor(socket, read) {
    this.socket = socket;
    // How a connection ends is for the case to say; an error here is one of the ways.
    socket.on('error', () => {});
    if (read) socket.on('data', (chunk) => (this.text = (this.text + chunk.toString('latin1')).slice(-65_536)));
  }

  async send(data) {
    await new Promise((resolve) => this.socket.write(data, resolve));
  }

  async hears(part) {
    await until(`"${part}" to be heard`, () => {
      if (this.socket.closed && !this.text.includes(part)) throw new Error(`"${part}" was not heard before the end`);
      return this.text.includes(part);
    });
  }

  /** Sends the FIN and reads on. */
  async halfClose() {
    await new Promise((resolve) => this.socket.end(resolve));
  }

  /** Closes after the FIN. What has not been read by then would make a RST of it: see `read`. */
  async leave() {
    await this.halfClose();
    this.socket.destroy();
  }

  reset() {
    this.socket.resetAndDestroy();
  }
}

/** Sizes that depend on how much Node reads ahead, which differs between versions. */
export function sizesFor(highWaterMark) {
  return {
    /** A body that Node does not take whole by itself, and that does not fill the receive window either. */
    unreadBody: 65_536 + highWaterMark + 24_576,
    /** The same for a body that is paused at its first chunk: Node reads one more. */
    begunBody: 172_032,
    /** The same for a body of which a failing pipeline has taken its share. */
    abandonedBody: highWaterMark > 16_384 ? 262_144 : 172_032,
    /** For a client that reads ahead as a server does, and a little more. */
    unreadAnswer: 65_536 + highWaterMark + 40_960,
    /** undici keeps more than node:http does. */
    unreadByUndici: 225_280,
    unreadByFetch: 174_080,
    /** More than any receive window on loopback takes. */
    flood: 12 * 1024 * 1024,
  };
}

export function get(path, headers = '') {
  return `GET ${path} HTTP/1.1\r\nHost: corpus.test\r\n${headers}\r\n`;
}

export function post(path, bytes) {
  const head = `POST ${path} HTTP/1.1\r\nHost: corpus.test\r\nContent-Type: application/octet-stream\r\n`;
  return `${head}Content-Length: ${bytes}\r\n\r\n${'b'.repeat(bytes)}`;
}

/** A server for programs that leak on their outbound side: one answer for each request, and then it closes. */
export function answersWith(bytes) {
  return (_request, response) => {
    response.setHeader('connection', 'close');
    response.end(Buffer.alloc(bytes));
  };
}
