import { bytes, duration, grouped } from '../../leaks/phrases.js';
import { table, wrap } from '../frame/table.js';
import { quietMs, type JudgedSocket } from './judge.js';
import type { InspectedListener, InspectReport } from './report.js';
import type { InspectedSocket } from './socket.js';

/** More leaks than these are told in groups, and the oldest of them one by one. */
const MOST_ROWS = 20;
const OLDEST = 5;
const MOST_GROUPS = 15;

/** What a terminal shows of a report. */
export function pageOf(report: InspectReport, columns: number): string {
  const { leaks, undecided, moving, listeners, healthy, notes } = report;
  const say = (text: string): string => wrap(text, Math.min(columns, 100));
  const ports = new Set(listeners.map(({ localPort }) => localPort));
  const parts = [
    say(headline(report)) + say(`TCP: ${statesText(report)}.`),
    leaks.length === 0 ? '' : section(say(leaksHeadline(report)), leaks, ports, columns),
    undecided.length === 0
      ? ''
      : section(say(`${sockets(undecided)} without progress, undecided:`), undecided, ports, columns),
    moving.length === 0 ? '' : say(`${sockets(moving)} half-closed, reset or stalled, and in motion: no leak.`),
    listeners.length === 0 ? '' : listenersTable(listeners, columns),
    healthy === undefined || healthy.length === 0
      ? ''
      : say(`${sockets(healthy)} healthy:`) + socketsTable(healthy, columns),
    notes.map((note) => say(`Note: ${note}`)).join(''),
    say(verdictOf(report)),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function headline({ pid, program, uid, fds }: InspectReport): string {
  const limit = fds.softLimit === undefined ? '' : ` of ${grouped(fds.softLimit)}`;
  const kinds = Object.entries(fds.kinds)
    .sort(([, one], [, other]) => other - one)
    .map(([kind, count]) => `${grouped(count)} ${kind}`);
  return `Process ${pid} (${program}, uid ${uid}): ${grouped(fds.open)}${limit} fds open: ${kinds.join(', ')}.`;
}

function statesText({ states }: InspectReport): string {
  const each = Object.entries(states).map(([state, count]) => `${grouped(count)} ${state}`);
  return each.length === 0 ? 'no socket' : each.join(', ');
}

function leaksHeadline({ leaks, watchedMs }: InspectReport): string {
  const watched =
    watchedMs === 0 ? 'at one look, so that progress was not watched' : `no progress in ${duration(watchedMs)}`;
  return `${sockets(leaks)} leaked (half-closed, reset or stalled; ${watched}):`;
}

const sockets = (list: readonly unknown[]): string =>
  `${grouped(list.length)} ${list.length === 1 ? 'socket' : 'sockets'}`;

function section(
  title: string,
  list: readonly JudgedSocket[],
  ports: ReadonlySet<number | undefined>,
  columns: number,
): string {
  if (list.length <= MOST_ROWS) return title + socketsTable(list, columns);
  return `${title}${groupsTable(list, ports, columns)}\nThe oldest:\n${socketsTable(list.slice(0, OLDEST), columns)}`;
}

/** Accepted ones by the address they came to, others by the one they go to: one piece of code each, as a rule. */
function groupsTable(list: readonly JudgedSocket[], ports: ReadonlySet<number | undefined>, columns: number): string {
  const groups = new Map<
    string,
    { first: JudgedSocket; where: string; count: number; unread: number; unsent: number }
  >();
  for (const socket of list) {
    const accepted = ports.has(socket.localPort);
    const where = accepted ? `accepted on ${nearEnd(socket)}` : `connected with ${farEnd(socket)}`;
    const key = `${socket.kind} ${where}`;
    const group = groups.get(key) ?? { first: socket, where, count: 0, unread: 0, unsent: 0 };
    group.count++;
    group.unread += socket.unreadBytes ?? 0;
    group.unsent += socket.unsentBytes ?? 0;
    groups.set(key, group);
  }
  const sorted = [...groups.values()].sort((one, other) => other.count - one.count);
  const rows = sorted
    .slice(0, MOST_GROUPS)
    .map(({ first, where, count, unread, unsent }) => [
      ...[grouped(count), first.kind, quiet(first), size(unread), size(unsent), where],
    ]);
  const rest =
    sorted.length > MOST_GROUPS ? `and ${grouped(sorted.length - MOST_GROUPS)} groups more (--json has all)\n` : '';
  const head = [
    ...([{ title: 'SOCKETS', align: 'right' }, { title: 'KIND' }] as const),
    ...([
      { title: 'OLDEST', align: 'right' },
      { title: 'UNREAD', align: 'right' },
    ] as const),
    ...([
      { title: 'UNSENT', align: 'right' },
      { title: 'WHERE', cut: true },
    ] as const),
  ];
  return table(head, rows, columns) + rest;
}

function socketsTable(list: readonly (InspectedSocket & Partial<JudgedSocket>)[], columns: number): string {
  const rows = list.map((socket) => [
    ...[String(socket.fd), socket.kind ?? '', socket.state, quiet(socket)],
    ...[size(socket.unreadBytes), size(socket.unsentBytes), nearEnd(socket), farEnd(socket)],
  ]);
  const head = [
    ...([{ title: 'FD', align: 'right' }, { title: 'KIND' }, { title: 'STATE' }] as const),
    ...([
      { title: 'QUIET', align: 'right' },
      { title: 'UNREAD', align: 'right' },
    ] as const),
    ...([
      { title: 'UNSENT', align: 'right' },
      { title: 'LOCAL', cut: true },
      { title: 'PEER', cut: true },
    ] as const),
  ];
  const judged = list.some(({ kind }) => kind !== undefined);
  const without = judged ? -1 : 1;
  return table(
    head.filter((_, i) => i !== without),
    rows.map((row) => row.filter((_, i) => i !== without)),
    columns,
  );
}

function listenersTable(listeners: readonly InspectedListener[], columns: number): string {
  const rows = listeners.map((listener) => [
    ...[String(listener.fd), nearEnd(listener), grouped(listener.receiveQueue ?? 0), grouped(listener.sendQueue ?? 0)],
    grouped(listener.waitingHalfClosed),
  ]);
  const head = [
    ...([
      { title: 'FD', align: 'right' },
      { title: 'LISTENER', cut: true },
    ] as const),
    ...([
      { title: 'WAITING', align: 'right' },
      { title: 'LIMIT', align: 'right' },
    ] as const),
    { title: 'CLIENT LEFT', align: 'right' } as const,
  ];
  return table(head, rows, columns);
}

function verdictOf({ leaks, undecided, unread, program, pid }: InspectReport): string {
  if (leaks.length > 0) {
    const whose = program.startsWith('node') ? ` Whose and why: close-wait-guard attach ${pid}` : '';
    return `${sockets(leaks)} leaked: the process has to close them.${whose}`;
  }
  if (unread > 0) return 'No leak among what could be read.';
  return undecided.length > 0 ? 'No leak for certain.' : 'No leak.';
}

function quiet(socket: InspectedSocket & Partial<JudgedSocket>): string {
  const ms = socket.kind === undefined ? (socket.lastAckReceivedMs ?? -1) : quietMs(socket as JudgedSocket);
  return ms < 0 ? '' : duration(ms);
}

function size(count: number | undefined): string {
  return count === undefined ? '' : bytes(count).replace(/ bytes?$/, ' B');
}

const nearEnd = ({ localAddress, localPort }: InspectedSocket): string => endText(localAddress, localPort);
const farEnd = ({ remoteAddress, remotePort }: InspectedSocket): string => endText(remoteAddress, remotePort);

function endText(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return '';
  return `${address.includes(':') ? `[${address}]` : address}:${port ?? ''}`;
}
