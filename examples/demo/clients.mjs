/**
 * The clients, in a process of their own: their sockets are not in our fd table, and when they leave they are really gone.
 * Every one of them is well-behaved: it connects, asks, waits for a while, and closes its connection.
 *
 * `startClients()` is the demo's side; run as a program, this file is the clients' side.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Visit
 * @property {number} port
 * @property {number} [localPort] Connect from this port.
 * @property {string} [head] What the client says.
 * @property {number} [bodyBytes] How much it uploads after that.
 * @property {number} patienceMs How long it waits for the server to answer and hang up before it hangs up itself.
 * @property {boolean} [stay] Report at the first answer, and keep the connection until `leave()`.
 */
/**
 * @typedef {object} Visited
 * @property {number | undefined} localPort
 * @property {number | undefined} connectMs Undefined when the connection did not come about.
 * @property {number} tookMs From connect() until it was over, or answered.
 * @property {string} answer The answer's first line.
 * @property {'server' | 'client' | 'nobody'} hungUpBy
 * @property {string | undefined} error
 */

/** Forks the clients. `leave()` ends them all, and resolves when they are gone. */
export function startClients() {
  const child = fork(fileURLToPath(import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const waiting = new Map();
  let last = 0;
  child.on('message', ({ id, visited }) => {
    waiting.get(id)?.resolve(visited);
    waiting.delete(id);
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`the clients' process ended (${signal ?? code})`));
  });
  return {
    /** @param {Visit} visit @returns {Promise<Visited>} */
    visit: (visit) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        waiting.set(id, { resolve, reject });
        child.send({ id, visit });
      }),
    leave: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

/** @param {Visit} visit @returns {Promise<Visited>} */
function call({ port, localPort, head, bodyBytes = 0, patienceMs, stay = false }) {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const visited = { localPort, connectMs: undefined, tookMs: 0, answer: '', hungUpBy: 'nobody', error: undefined };
    let answer = '';
    const socket = connect({ host: '127.0.0.1', port, localPort });
    const patience = setTimeout(() => finish('client'), patienceMs);
    const finish = (hungUpBy) => {
      clearTimeout(patience);
      visited.tookMs = performance.now() - startedAt;
      visited.hungUpBy = hungUpBy;
      visited.answer = answer.split('\r\n', 1)[0];
      if (hungUpBy !== 'nobody') socket.destroy();
      resolve(visited);
    };
    socket.on('connect', () => {
      visited.connectMs = performance.now() - startedAt;
      visited.localPort = socket.localPort;
      if (head !== undefined) socket.write(head + 'x'.repeat(bodyBytes));
    });
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      if (stay) finish('nobody');
    });
    socket.on('end', () => finish('server'));
    socket.on('error', (error) => {
      visited.error = error.code;
      finish('server');
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.on('message', ({ id, visit }) => {
    call(visit).then((visited) => process.send?.({ id, visited }));
  });
  // The demo is over, one way or the other: so are its clients, and whatever connections they still have.
  process.on('disconnect', () => process.exit(0));
}
