/** The incident's last chapter: RSTs are still dropped, and the guard ends the leak before the client comes back. */
import { readlinkSync } from 'node:fs';
import { check, until } from './check.mjs';
import { startClients } from './clients.mjs';
import { PATIENCE_MS } from './incident.mjs';
import { socketFds, tcpRows } from './kernel.mjs';
import { clientsEndExpires, nameOf, PORT, request, showPair, uploadAndLeave } from './port-pair.mjs';
import { bold, chapter, field, green, red, say, seconds, table } from './print.mjs';

/**
 * @param {object} app Its guard has `reclaim: true`.
 * @param {{ clientPort: number, hungMs: number, firewall: { dropped: () => number } }} lockedOut What the
 *   chapter without reclaim came to.
 */
export async function withReclaim({ guard }, { clientPort, hungMs, firewall }) {
  chapter(5, 'The same with `reclaim: true`');
  await until(() => !tcpRows().some(isEndOf(clientPort)), 'The old server took its leaked socket with it');
  field('server', `started again, its guard with ${bold('reclaim: true')}: what is a leak is destroyed`);
  field('client', `leaks a connection again, from the same port ${clientPort}; RSTs are still dropped`);
  say();
  const reclaimed = [];
  guard.on('reclaimed', (leak) => reclaimed.push(leak));
  let leaked;
  await uploadAndLeave((port) => (leaked = showLeaked(port)), clientPort);

  const leak = await until(() => reclaimed[0], 'The guard reclaims the leak', 5_000);
  check(reclaimed.length === 1, 'The guard reclaims one leak', reclaimed);
  check(
    leak.kind === 'close-wait' && leak.fd === leaked.fd && leak.localPort === PORT && leak.remotePort === clientPort,
    'The reclaimed leak is the one the kernel showed',
    { leak, leaked },
  );
  const rows = tcpRows();
  check(!rows.some(({ inode }) => inode === leaked.inode), 'The reclaimed socket is gone from the kernel', rows);
  check(linkOf(leaked.fd) !== `socket:[${leaked.inode}]`, `fd ${leaked.fd} is no longer the leaked socket`);
  check(guard.leaks().length === 0, 'The guard reports no leak any more', guard.leaks());
  field('event', `${bold("'reclaimed'")} ${nameOf(leak)}, id ${leak.id}, ${seconds(leak.ageMs)} after the client left`);
  field('what', leak.explanation);
  await clientsEndExpires(clientPort);
  check(!tcpRows().some(isEndOf(clientPort)), 'Neither end holds the port pair', tcpRows());
  field('kernel', `has no socket on ${PORT} - ${clientPort} any more, at neither end; fd ${leaked.fd} is free`);

  say();
  say(`A new client connects from port ${clientPort}:`);
  say();
  const droppedBefore = firewall.dropped();
  const newcomers = startClients();
  const visited = await newcomers.visit({
    ...request('GET'),
    localPort: clientPort,
    patienceMs: PATIENCE_MS,
    stay: true,
  });
  check(visited.connectMs !== undefined, 'After the reclaim the client gets in', visited);
  check(visited.answer === 'HTTP/1.1 200 OK', 'The client gets its answer', visited);
  const pair = showPair(clientPort).rows;
  check(pair.length === 2 && pair.every((row) => row.state === 'ESTAB'), 'Both ends are connected', pair);
  // No challenge ACK, so no RST: the first SYN was answered as if there had never been a leak.
  const dropped = firewall.dropped() - droppedBefore;
  check(dropped === 0, 'Nothing was in the way of the first SYN', { dropped });
  table(
    ['reclaim', 'the leaked socket', `connect() from port ${clientPort}`],
    [
      ['false', 'held the port pair in CLOSE-WAIT', red(`hung for ${milliseconds(hungMs)}, and gave up`)],
      [
        'true',
        `destroyed ${seconds(leak.ageMs)} after the client left`,
        green(`took ${milliseconds(visited.connectMs)}`),
      ],
    ],
  );
  await newcomers.leave();
}

/** The port pair while it is leaked; its server end by inode and fd, as the kernel has them. */
function showLeaked(clientPort) {
  showPair(clientPort);
  const row = tcpRows().find(({ localPort, remotePort }) => localPort === PORT && remotePort === clientPort);
  check(row?.state === 'CLOSE-WAIT', "The server's end is in CLOSE-WAIT", row);
  return { inode: row.inode, fd: socketFds().get(row.inode) };
}

const isEndOf =
  (clientPort) =>
  ({ localPort, remotePort }) =>
    localPort === clientPort || remotePort === clientPort;

const milliseconds = (ms) => `${Math.ceil(ms).toLocaleString('en-US')} ms`;

/** What the fd is now; undefined when it is closed. */
function linkOf(fd) {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
