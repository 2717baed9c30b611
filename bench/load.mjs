// The client: HTTP/1.1 by hand on raw sockets, as little work for a request as there can be, so that it can keep the
// server busy from the other core.
import { once } from 'node:events';
import { connect } from 'node:net';

const CONNECTIONS = 32;
const DEADLINE_MS = 60_000;

/** Keep-alive connections to one server. */
export class KeepAliveLoad {
  #sockets;
  #responseBytes;

  static async open(port) {
    const sockets = Array.from({ length: CONNECTIONS }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    // 'close' follows every error, and ends the run.
    for (const socket of sockets) socket.on('error', () => undefined);
    const load = new KeepAliveLoad();
    load.#sockets = sockets;
    load.#responseBytes = await firstResponseLength(sockets[0]);
    return load;
  }

  /** Sends `count` requests, each connection its next one when it has the answer to the last. */
  async run(count) {
    let toSend = count;
    let toCome = count;
    const bytes = this.#responseBytes;
    await withDeadline((resolve, reject) => {
      for (const socket of this.#sockets) {
        let received = 0;
        const next = () => {
          if (toSend === 0) return;
          toSend--;
          socket.write(REQUEST);
        };
        socket.removeAllListeners('data').on('data', (chunk) => {
          received += chunk.length;
          // Every answer is the same but for its date: counting bytes is counting answers.
          if (received < bytes) return;
          if (received > bytes || chunk[chunk.length - 1] !== CLOSING_BRACE)
            reject(new Error('the server answered something else'));
          received = 0;
          if (--toCome === 0) resolve();
          else next();
        });
        socket.once('close', () => reject(new Error('the server closed a connection')));
        next();
      }
    });
    for (const socket of this.#sockets) socket.removeAllListeners('close');
  }

  close() {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}

/** A connection for every request, as a client without keep-alive has it. */
export class OneShotLoad {
  constructor(port) {
    this.port = port;
  }

  async run(count) {
    let toSend = count;
    const one = () =>
      withDeadline((resolve, reject) => {
        const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
        let answer = '';
        socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
        socket.on('error', reject);
        socket.on('close', () => (answer.startsWith('HTTP/1.1 200 ') ? resolve() : reject(new Error('no answer'))));
        socket.write(LAST_REQUEST);
      });
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        while (toSend-- > 0) await one();
      }),
    );
  }

  close() {}
}

const HEAD = [
  'GET /items/42 HTTP/1.1',
  'host: 127.0.0.1:8080',
  'accept: application/json, text/plain, */*',
  'accept-language: en-GB,en;q=0.9',
  'accept-encoding: gzip, deflate, br',
  'user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  '',
].join('\r\n');
const REQUEST = Buffer.from(`${HEAD}connection: keep-alive\r\n\r\n`);
const LAST_REQUEST = Buffer.from(`${HEAD}connection: close\r\n\r\n`);
const CLOSING_BRACE = '}'.charCodeAt(0);

async function firstResponseLength(socket) {
  socket.write(REQUEST);
  let text = '';
  while (!text.endsWith('}')) text += (await once(socket, 'data'))[0].toString('latin1');
  if (!text.startsWith('HTTP/1.1 200 ')) throw new Error(`the server answered ${text.split('\r\n', 1)[0]}`);
  return text.length;
}

function withDeadline(executor) {
  let timer;
  return new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${DEADLINE_MS / 1_000} s`)), DEADLINE_MS);
    executor(resolve, reject);
  }).finally(() => clearTimeout(timer));
}
