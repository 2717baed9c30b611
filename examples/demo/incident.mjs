/** The incident's chapters. */
import { readlinkSync } from 'node:fs';
import { check, until } from './check.mjs';
import { startClients } from './clients.mjs';
import { dropResets, RULE } from './firewall.mjs';
import { tcpRows } from './kernel.mjs';
import { leakOne, sayLeak, clientsEndExpires, showPair, closeLeak, request, PORT } from './port-pair.mjs';
import { bold, chapter, count, field, notShown, red, say, seconds, yellow } from './print.mjs';

/** How long the new client waits for its connection. */
export const PATIENCE_MS = 3_500;

export async function asItIs(app) {
  chapter(1, 'A socket leaks');
  const leak = await leakOne(app, showPair);
  sayLeak(leak);

  chapter(2, "The client's end expires");
  await clientsEndExpires(leak.remotePort);
  showPair(leak.remotePort);
  say(
    `The client's end was in FIN-WAIT-2, and the kernel has dropped it after tcp_fin_timeout. So port ${leak.remotePort} is free for the ` +
      `client's next connection, while the server still holds the port pair ${PORT} - ${leak.remotePort} in CLOSE-WAIT.`,
  );

  chapter(3, `A new client connects from port ${leak.remotePort}`);
  const newcomers = startClients();
  const visited = await newcomers.visit({
    ...request('GET'),
    localPort: leak.remotePort,
    patienceMs: PATIENCE_MS,
    stay: true,
  });
  check(visited.connectMs !== undefined, 'On this kernel the new connection comes about', visited);
  check(visited.answer === 'HTTP/1.1 200 OK', 'The new client gets its answer', visited);
  const { rows } = showPair(leak.remotePort);
  check(rows.length === 2 && rows.every(({ state }) => state === 'ESTAB'), 'Only the new connection is listed', rows);
  check(
    rows.every(({ fd }) => fd !== leak.fd),
    `fd ${leak.fd} is in no list`,
    rows,
  );
  field('client', `connected after ${Math.round(visited.connectMs)} ms and got "${visited.answer}" to GET /items/7`);

  const socket = readlinkSync(`/proc/self/fd/${leak.fd}`);
  check(socket === leak.socket, `fd ${leak.fd} is still the leaked socket`, socket);
  const inode = Number(/\d+/.exec(socket)?.[0]);
  check(!tcpRows().some((row) => row.inode === inode), `The kernel lists ${socket} no more`);
  field(
    'kernel',
    `/proc/self/fd/${leak.fd} -> ${socket} is still open, and in no list of connections any more: a RST has moved it to CLOSE (7)`,
  );

  const now = app.guard.leaks().find(({ id }) => id === leak.id);
  check(
    now !== undefined && now.state === 'CLOSE' && now.kind === 'reset',
    'The guard has it in state CLOSE, as a reset',
    now,
  );
  check(
    now.fd === leak.fd && now.localPort === PORT && now.remotePort === leak.remotePort,
    'The guard has its fd and ports',
    now,
  );
  check(now.route === '/items/:id' && now.method === 'POST', 'The guard has its route', now);
  field(
    'guard',
    `still has it: ${bold(`id ${now.id}`)}, fd ${now.fd}, ${yellow(`${now.method} ${now.route}`)}, ${now.localPort} - ${now.remotePort}, ` +
      `was close-wait, is now ${bold(now.kind)} (state ${now.state})`,
  );
  field('what', now.explanation);
  say();
  say('So this kernel lets the new client in, and the leak goes where ss does not look. The fd is lost all the same.');
  await newcomers.leave();
  await closeLeak(app, leak);
}

/** @returns {Promise<object | undefined>} What it came to; undefined when it could not be shown. */
export async function withResetsDropped(app) {
  chapter(4, 'The same where RSTs are dropped, as many firewalls do');
  const firewall = dropResets();
  if ('missing' in firewall) {
    notShown('the collision with RSTs dropped', firewall.missing);
    return undefined;
  }
  field('rule', `${firewall.tool} -A ${RULE.join(' ')}`);
  const leak = await leakOne(app);
  await clientsEndExpires(leak.remotePort);
  sayLeak(leak);
  field('kernel', "the client's end has expired again");

  const newcomers = startClients();
  const hanging = newcomers.visit({ ...request('GET'), localPort: leak.remotePort, patienceMs: PATIENCE_MS });
  await until(
    () => tcpRows().some(({ localPort, state }) => localPort === leak.remotePort && state === 'SYN-SENT'),
    'connect() hangs in SYN-SENT',
  );
  say();
  say(`A new client connects from port ${leak.remotePort}:`);
  say();
  const { rows } = showPair(leak.remotePort);
  const states = rows.map(({ localPort, state }) => `${localPort === PORT ? 'server' : 'client'} ${state}`).sort();
  check(
    states.join() === 'client SYN-SENT,server CLOSE-WAIT',
    'SYN-SENT stands against CLOSE-WAIT on one port pair',
    rows,
  );
  const visited = await hanging;
  check(
    visited.connectMs === undefined && visited.hungUpBy === 'client',
    'connect() hangs until the client gives up',
    visited,
  );
  const dropped = firewall.dropped();
  check(dropped > 0, 'The rule has caught RSTs', dropped);
  const still = app.guard.leaks().find(({ id }) => id === leak.id);
  check(still?.state === 'CLOSE_WAIT', 'The leaked socket stays in CLOSE_WAIT', still);
  field(
    'client',
    `${red('connect() hung')}; it gave up after ${seconds(visited.tookMs)} (left alone, it ends with ETIMEDOUT after two minutes)`,
  );
  field(
    'kernel',
    `answers each SYN with a challenge ACK (RFC 5961); the client's RSTs to those, ${count(dropped)} so far, never arrive`,
  );
  field(
    'guard',
    `${yellow(`${still.method} ${still.route}`)} holds the port pair: fd ${still.fd}, ${still.kind}, id ${still.id}`,
  );
  await newcomers.leave();
  return { clientPort: leak.remotePort, hungMs: visited.tookMs, firewall };
}
