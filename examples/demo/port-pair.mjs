/** One leaked connection and its port pair: how it is made, shown and closed. */
import { readlinkSync } from 'node:fs';
import { UPLOAD_BYTES } from './app.mjs';
import { check, until } from './check.mjs';
import { startClients } from './clients.mjs';
import { administratorsView, tcpRows } from './kernel.mjs';
import { field, say, table, yellow } from './print.mjs';

export const PORT = 8080;

/** A client uploads to the leaky route and leaves. Resolves to its port. */
export async function uploadAndLeave(onHalfClosed, clientPort) {
  const clients = startClients();
  const { localPort, hungUpBy } = await clients.visit({
    ...request('POST', UPLOAD_BYTES),
    localPort: clientPort,
    patienceMs: 300,
  });
  check(hungUpBy === 'client', 'The client hangs up');
  await until(() => isHalfClosed(localPort), 'The server is left in CLOSE-WAIT, its ACK of the FIN sent');
  onHalfClosed(localPort);
  await clients.leave();
  return localPort;
}

/** The same; resolves when the guard has reported the socket. */
export async function leakOne({ guard }, onHalfClosed = () => {}) {
  const reports = [];
  const onLeak = (leak) => reports.push(leak);
  guard.on('leak', onLeak);
  const localPort = await uploadAndLeave(onHalfClosed);
  const leak = await until(
    () => reports.find(({ remotePort }) => remotePort === localPort),
    'The guard reports the leak',
  );
  check(leak.kind === 'close-wait' && leak.state === 'CLOSE_WAIT', 'It is in CLOSE_WAIT', leak);
  guard.off('leak', onLeak);
  return { ...leak, socket: readlinkSync(`/proc/self/fd/${leak.fd}`) };
}

export function sayLeak(leak) {
  field('client', `port ${leak.remotePort}: uploaded, got no answer, closed its connection, and is gone`);
  field('guard', `${nameOf(leak)}, ${leak.cause}, id ${leak.id}`);
}

/** Whose it is, its fd and its port pair. */
export const nameOf = ({ method, route, fd, localPort, remotePort, kind }) =>
  `${yellow(`${method} ${route}`)}, fd ${fd}, ${localPort} - ${remotePort}, ${kind}`;

function isHalfClosed(clientPort) {
  const rows = tcpRows();
  const has = (port, state) => rows.some((row) => row[port] === clientPort && row.state === state);
  return has('remotePort', 'CLOSE-WAIT') && !has('localPort', 'ESTAB') && !has('localPort', 'FIN-WAIT-1');
}

/** Watches the kernel's list until the client's orphaned end is gone from it. */
export async function clientsEndExpires(clientPort) {
  await until(() => !tcpRows().some(({ localPort }) => localPort === clientPort), "The client's FIN-WAIT-2 expires");
}

/** The port pair as an administrator sees it, the server's end first. */
export function showPair(clientPort) {
  const view = administratorsView(({ localPort, remotePort }) => localPort === clientPort || remotePort === clientPort);
  const end = ({ localPort }) => (localPort === PORT ? 'server' : 'client');
  view.rows.sort((a, b) => end(b).localeCompare(end(a)));
  table(
    [view.source, 'state', '>Recv-Q', 'local', 'peer', 'process'],
    view.rows.map((row) => [end(row), row.state, row.receiveQueue, row.local, row.remote, row.owner]),
  );
  say();
  return view;
}

/** The handler lets go of the socket, and the guard says so. */
export async function closeLeak({ guard, closeHeld }, { remotePort }) {
  closeHeld();
  await until(() => guard.leaks().length === 0, 'The guard reports no leak any more');
  // The new client, where there was one, may still be saying goodbye on the same pair.
  const isHeld = () => tcpRows().some((row) => row.remotePort === remotePort && row.inode !== 0);
  await until(() => !isHeld(), 'No socket of ours holds the port pair');
}

export function request(method, bodyBytes = 0) {
  const body = bodyBytes > 0 ? `Content-Type: application/octet-stream\r\nContent-Length: ${bodyBytes}\r\n` : '';
  return { port: PORT, bodyBytes, head: `${method} /items/7 HTTP/1.1\r\nHost: shop.example\r\n${body}\r\n` };
}
