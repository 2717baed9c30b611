/** Chapters 6 and 7: what is exported while the leaks are there, and once they are closed. */
import { check, until } from './check.mjs';
import { tcpRows } from './kernel.mjs';
import { bold, chapter, dim, plural, say, table, verbatim } from './print.mjs';
import { LEAKS_EXPECTED, address } from './wording.mjs';

export async function scrape({ ports }) {
  chapter(6, 'What Prometheus scrapes');
  const lines = await metrics(ports.http);
  const all = lines.filter((line) => !line.startsWith('#'));
  const shown = all.filter(
    (line) =>
      (/^close_wait_(sockets|leaked_sockets|leaks_total|oldest|unread)/.test(line) && !line.endsWith(' 0')) ||
      line.startsWith('tcp_accept_queue_sockets'),
  );
  check(leakedNow(lines) === LEAKS_EXPECTED, `The gauge close_wait_leaked_sockets is ${LEAKS_EXPECTED}`, shown);
  verbatim(bold(`GET http://${address(ports.http)}/metrics`));
  for (const line of shown) verbatim(line);
  verbatim(dim(`... and ${all.length - shown.length} lines more`));
}

export async function closedAfterAll({ guard, ports, closeHeld }, released, log) {
  chapter(7, 'Closed after all');
  const closed = closeHeld();
  await until(() => released.length >= LEAKS_EXPECTED, 'The guard sees every leak released');
  const ours = new Set(Object.values(ports));
  await until(
    () => !tcpRows().some(({ localPort, state }) => ours.has(localPort) && state === 'CLOSE-WAIT'),
    'No socket is left in CLOSE-WAIT',
  );
  check(guard.leaks().length === 0, 'The guard reports no leak any more', guard.leaks());
  say('The handlers let go of what they held, as their fixed versions would:');
  say();
  table(
    ['handler', 'what the fix does', '>sockets'],
    [
      ['POST /items/:id', 'request.body.destroy()', closed.uploads],
      ['smtp', 'socket.end()', closed.sessions],
      ['collector', 'socket.destroy()', closed.newcomers],
    ],
  );
  say();
  const lines = await metrics(ports.http);
  check(leakedNow(lines) === 0, 'The gauge close_wait_leaked_sockets is 0 again', lines);
  const infos = log.filter(({ level, leak }) => level === 30 && leak !== undefined);
  const kinds = new Set(released.map(({ fingerprint }) => fingerprint)).size;
  check(released.length === LEAKS_EXPECTED, 'Each release is an event', released.length);
  check(infos.length === kinds, 'The first release of each kind is logged at once', infos.length);
  table(
    ['who says so', ''],
    [
      [
        'the kernel',
        `${tcpRows().filter(({ localPort, state }) => ours.has(localPort) && state === 'CLOSE-WAIT').length} sockets in CLOSE-WAIT`,
      ],
      ["guard.on('released')", plural(released.length, 'event')],
      ["Fastify's log", plural(infos.length, 'line')],
      [
        '/metrics',
        `sum(close_wait_leaked_sockets) ${leakedNow(lines)}, close_wait_released_total ${sumOf(lines, 'close_wait_released_total')}`,
      ],
    ],
  );
}

const leakedNow = (lines) => sumOf(lines, 'close_wait_leaked_sockets');

async function metrics(port) {
  const response = await fetch(`http://${address(port)}/metrics`, { headers: { connection: 'close' } });
  check(response.status === 200, '/metrics answers', response.status);
  return (await response.text()).trim().split('\n');
}

function sumOf(lines, metric) {
  const values = lines.filter((line) => line.startsWith(`${metric}{`)).map((line) => Number(line.split(' ').at(-1)));
  return values.reduce((sum, value) => sum + value, 0);
}
