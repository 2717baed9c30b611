/** Chapters 3 to 5: what the kernel sees beside what the guard says. */
import { check } from './check.mjs';
import { administratorsView, fdUse, finTimeout, socketFds, tcpRows } from './kernel.mjs';
import { bold, chapter, count, field, green, plural, say, seconds, table, yellow } from './print.mjs';
import { LEAKS_EXPECTED, whose } from './wording.mjs';

/** The kernel's list beside the guard's; both must name the same sockets. */
export function twoViews({ guard, ports }) {
  chapter(3, 'What the kernel sees, and what the guard makes of it');
  const ours = new Set(Object.values(ports));
  const { source, rows } = administratorsView(({ localPort, state }) => ours.has(localPort) && state === 'CLOSE-WAIT');
  const place = ({ localPort, remotePort }) => [...ours].indexOf(localPort) * 65_536 + remotePort;
  const leaks = guard.leaks().sort((a, b) => place(a) - place(b));
  sameSockets(leaks, ours);
  const byClient = new Map(leaks.map((leak) => [leak.remotePort, leak]));
  say(`Left of the bar ${source}, right of it guard.leaks(), at the same moment:`);
  say();
  table(
    ['state', '>Recv-Q', 'local', 'peer', 'process', '|', '>fd', '>age', 'whose', 'cause'],
    rows
      .sort((a, b) => place(a) - place(b))
      .map(({ state, receiveQueue, local, remote, owner, remotePort }) => {
        const leak = byClient.get(remotePort);
        check(leak !== undefined, `The guard has the socket that ${source} lists`, { local, remote });
        return [
          state,
          receiveQueue,
          local,
          remote,
          owner,
          '|',
          leak.fd,
          seconds(leak.ageMs),
          yellow(whose(leak)),
          leak.cause,
        ];
      }),
  );
  say();
  const waiting = tcpRows().filter(({ remotePort, state }) => ours.has(remotePort) && state === 'FIN-WAIT-2').length;
  say(
    `CLOSE-WAIT: the client has closed, this process has not, and the kernel waits for it for ever. The clients' own ends ` +
      `(${waiting} in FIN-WAIT-2 now) are dropped after net.ipv4.tcp_fin_timeout (${finTimeout()} s); CLOSE-WAIT has no time-out. ` +
      `The list on the left ends at the process and its fd; the guard goes on to whose code it is, and why.`,
  );
  return leaks;
}

function sameSockets(leaks, ours) {
  const fds = socketFds();
  const kernel = tcpRows()
    .filter(({ localPort, state, inode }) => ours.has(localPort) && state === 'CLOSE-WAIT' && fds.has(inode))
    .map(({ local, remote, inode }) => `${local} ${remote} fd ${fds.get(inode)}`);
  const guard = leaks.map((l) => `${l.localAddress}:${l.localPort} ${l.remoteAddress}:${l.remotePort} fd ${l.fd}`);
  check(kernel.length === LEAKS_EXPECTED, `The kernel has ${LEAKS_EXPECTED} sockets in CLOSE-WAIT`, kernel);
  check(kernel.sort().join() === guard.sort().join(), 'The guard names the same sockets as the kernel', {
    kernel,
    guard,
  });
}

/** What one suspects first when clients cannot connect. */
export function innocentSuspects({ guard, ports }) {
  chapter(4, 'The innocent suspects');
  const { listeners, fds } = guard.stats();
  const [open, limit] = fdUse();
  check(listeners.length === Object.keys(ports).length, 'The guard sees every listener', listeners);
  check(fds.limit === limit && Math.abs((fds.open ?? 0) - open) <= 1, 'The guard counts fds as /proc does', {
    fds,
    open,
    limit,
  });
  for (const { server, acceptQueue, acceptQueueLimit } of listeners) {
    const port = ports[server] ?? ports.http;
    // Of a listening socket, /proc/net/tcp has the accept queue's length as its receive queue.
    const row = tcpRows().find(({ localPort, state }) => localPort === port && state === 'LISTEN');
    check(
      row?.receiveQueue === acceptQueue && acceptQueue === 0 && acceptQueueLimit > 0,
      `The accept queue of ${server} is empty`,
      row,
    );
  }
  table(
    ['suspect', 'where', '>now', '>limit', ''],
    [
      ...listeners.map(({ server, acceptQueue, acceptQueueLimit }, index) => [
        index === 0 ? 'accept queue' : '',
        server,
        acceptQueue,
        count(acceptQueueLimit),
        green('empty'),
      ]),
      ['open files', 'process', fds.open ?? '?', count(limit), green(`${((open / limit) * 100).toFixed(1)} % used`)],
    ],
  );
  say();
  say(
    'No connection waits to be accepted, and there are fds left. Neither would explain clients that fail; the sockets above do.',
  );
}

/** One report in full for each handler and cause; the others differ in their numbers only. */
export function leakReports(leaks, log) {
  chapter(5, 'The leak reports');
  const groups = new Map();
  for (const leak of leaks) {
    const key = `${whose(leak)} ${leak.cause}`;
    groups.set(key, [...(groups.get(key) ?? []), leak]);
  }
  const expected = {
    'POST /items/:id': 'request-body-not-read',
    smtp: 'half-open-not-ended',
    collector: 'never-read',
  };
  for (const [leak, ...others] of groups.values()) {
    check(leak.cause === expected[whose(leak)], `${whose(leak)} leaks because of ${expected[whose(leak)]}`, leak.cause);
    console.log(`   ${bold(yellow(whose(leak)))}  ${leak.cause}`);
    field('what', leak.explanation, '     ');
    field('fix', green(leak.fix), '     ');
    field(
      'socket',
      `fd ${leak.fd}, ${leak.localAddress}:${leak.localPort} <- ${leak.remoteAddress}:${leak.remotePort}, ${leak.state}, server ${leak.server}; ` +
        `unread: ${count(leak.unreadKernelBytes)} bytes in the kernel, ${count(leak.unreadStreamBytes)} in Node; id ${leak.id}`,
      '     ',
    );
    if (others.length > 0)
      field('also', others.map(({ fd, remotePort }) => `fd ${fd} (client port ${remotePort})`).join(', '), '     ');
    say();
  }
  const warnings = log.filter(({ level, leak }) => level === 40 && leak !== undefined);
  check(
    warnings.length === groups.size,
    'Each kind of leak is logged at once, and its equals later in one line',
    warnings.map(({ msg }) => msg),
  );
  check(!JSON.stringify([leaks, warnings]).includes('secret'), "The clients' query strings are in no report");
  say(
    `Fastify's log has ${plural(warnings.length, 'warning')}: the first of equal leaks at once, the others in one line a minute. ` +
      `guard.on('leak', ...) hears of each.`,
  );
}
