import { LEAK_KINDS } from '../base/vocabulary.js';
import { GUARD_OPERATIONS } from '../guard/stats.js';
import type { MetricFamily } from './family.js';
import { exemplarOf, labelsOf, rowOf, withoutEmpty, zeroOf, type Row } from './rows.js';

/** How long sockets stayed half-closed, reset or stalled until they were closed. Not read off the stats: it is observed. */
export const DURATION_HISTOGRAM = {
  name: 'close_wait_duration_seconds',
  otel: { name: 'close_wait_guard.socket.duration', unit: 's' },
  help: 'How long a socket whose peer had left stayed open; counted when it is closed.',
  // From a slow handler's to the default of closeWaitTimeout (60) and the hours that leaks last.
  buckets: [0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400],
} as const;

/** Names are constants, units are base units, `_total` is on counters alone; labels are closed sets or capped. */
export const METRIC_FAMILIES: readonly MetricFamily[] = [
  {
    name: 'close_wait_sockets',
    otel: {
      name: 'system.network.connection.count',
      unit: '{connection}',
      attributes: { 'network.connection.state': 'close_wait', 'network.transport': 'tcp' },
      goneIsZero: true,
    },
    help: 'Sockets in CLOSE_WAIT: the peer has closed, this process has not. Leaks and those not yet.',
    type: 'gauge',
    labelNames: ['side', 'server'],
    combine: 'sum',
    rows: ({ halfClosed, listeners }) => [
      ...(['inbound', 'outbound', 'unknown'] as const).map((side): Row => [{ side, server: '' }, 0]),
      ...listeners.map(({ server }): Row => [{ side: 'inbound', server }, 0]),
      ...halfClosed.map(({ side, server, count }): Row => [{ side, server }, count]),
    ],
  },
  {
    name: 'close_wait_leaked_sockets',
    otel: { name: 'close_wait_guard.socket.leaked', unit: '{socket}', goneIsZero: true },
    help: 'Leaked sockets open now: the peer has left and nothing happened for closeWaitTimeout.',
    type: 'gauge',
    labelNames: ['kind', 'cause', 'side', 'route', 'method', 'server', 'destination'],
    combine: 'sum',
    rows: ({ openLeaks }) => [
      ...LEAK_KINDS.flatMap((kind) => zeroOf(kind, openLeaks)),
      ...openLeaks.map(({ count, ...labels }): Row => [withoutEmpty(labels), count]),
    ],
  },
  {
    name: 'close_wait_leaks_found_total',
    otel: { name: 'close_wait_guard.leaks_found', unit: '{leak}' },
    help: 'Leaked sockets found since start, by kind alone; there from the start, so that increase() sees the first one.',
    type: 'counter',
    labelNames: ['kind'],
    combine: 'sum',
    rows: ({ leaks }) =>
      LEAK_KINDS.map((kind): Row => {
        const found = leaks.reduce((sum, leak) => (leak.kind === kind ? sum + leak.total : sum), 0);
        return [{ kind }, found];
      }),
  },
  {
    name: 'close_wait_leaks_total',
    otel: { name: 'close_wait_guard.leaks', unit: '{leak}' },
    help: 'Leaked sockets found since start, by what they are; each counts once. A series begins with its first leak.',
    type: 'counter',
    labelNames: ['kind', 'cause', 'side', 'route'],
    combine: 'sum',
    // A total that is there never goes away again: Prometheus would take it for a restart.
    rows: ({ leaks }) =>
      leaks
        .filter(({ total }) => total > 0)
        .map((count): Row => [labelsOf(count), count.total, exemplarOf(1, count.traced)]),
  },
  {
    name: 'close_wait_released_total',
    otel: { name: 'close_wait_guard.leaks_released', unit: '{leak}' },
    help: 'Reported leaks that were closed after all.',
    type: 'counter',
    labelNames: ['kind'],
    combine: 'sum',
    rows: ({ released }) => LEAK_KINDS.map((kind): Row => [{ kind }, released[kind]]),
  },
  {
    name: 'close_wait_reclaimed_total',
    otel: { name: 'close_wait_guard.leaks_reclaimed', unit: '{leak}' },
    help: 'Leaks that the guard destroyed.',
    type: 'counter',
    labelNames: ['kind'],
    combine: 'sum',
    rows: ({ reclaimed }) => LEAK_KINDS.map((kind): Row => [{ kind }, reclaimed[kind]]),
  },
  {
    name: 'close_wait_oldest_seconds',
    otel: { name: 'close_wait_guard.socket.oldest_age', unit: 's' },
    help: 'Age of the oldest socket whose peer has left.',
    type: 'gauge',
    labelNames: [],
    combine: 'max',
    rows: ({ oldestMs }) => [[{}, oldestMs / 1000]],
  },
  {
    name: 'close_wait_port_collision_ratio',
    otel: { name: 'close_wait_guard.port_collision.probability', unit: '1' },
    help: 'Chance that the next connection of the worst peer picks a port pair that a leak still holds.',
    type: 'gauge',
    labelNames: [],
    combine: 'max',
    rows: ({ portCollisionRatio }) => [[{}, portCollisionRatio]],
  },
  {
    name: 'close_wait_unread_bytes',
    otel: { name: 'close_wait_guard.socket.unread_size', unit: 'By' },
    help: 'Bytes that leaked sockets hold unread, in the kernel and in streams.',
    type: 'gauge',
    labelNames: [],
    combine: 'sum',
    rows: ({ unreadBytes }) => [[{}, unreadBytes]],
  },
  {
    name: 'tcp_fin_wait2_sockets',
    otel: { name: 'close_wait_guard.peer.fin_wait_2', unit: '{connection}' },
    help: "FIN_WAIT_2 sockets on the server's port, or to the destination: this side has closed, the remote end has not.",
    type: 'gauge',
    labelNames: ['server', 'destination'],
    // Every worker of a cluster sees the same sockets of the network namespace.
    combine: 'max',
    rows: ({ listeners, destinations }) => [
      ...listeners.flatMap(({ server, finWait2 }) => rowOf({ server, destination: '' }, finWait2)),
      ...destinations.flatMap(({ destination, finWait2 }) => rowOf({ server: '', destination }, finWait2)),
    ],
  },
  {
    name: 'tcp_accept_queue_sockets',
    otel: { name: 'close_wait_guard.accept_queue.length', unit: '{connection}', goneIsZero: true },
    help: 'Connections that wait to be accepted.',
    type: 'gauge',
    labelNames: ['server'],
    combine: 'max',
    rows: ({ listeners }) => listeners.flatMap(({ server, acceptQueue }) => rowOf({ server }, acceptQueue)),
  },
  {
    name: 'tcp_accept_queue_limit',
    otel: { name: 'close_wait_guard.accept_queue.limit', unit: '{connection}' },
    help: 'Connections that may wait to be accepted (the backlog the kernel granted).',
    type: 'gauge',
    labelNames: ['server'],
    combine: 'max',
    rows: ({ listeners }) => listeners.flatMap(({ server, acceptQueueLimit }) => rowOf({ server }, acceptQueueLimit)),
  },
  {
    name: 'tcp_accept_queue_close_wait_sockets',
    otel: { name: 'close_wait_guard.accept_queue.close_wait', unit: '{connection}', goneIsZero: true },
    help: 'Connections that wait to be accepted and whose client has already gone.',
    type: 'gauge',
    labelNames: ['server'],
    combine: 'max',
    rows: ({ listeners }) =>
      listeners.flatMap(({ server, acceptQueueCloseWait }) => rowOf({ server }, acceptQueueCloseWait)),
  },
  {
    name: 'tcp_listen_overflows_total',
    otel: { name: 'close_wait_guard.listen_overflows', unit: '{connection}' },
    help: 'Connections refused because an accept queue was full: of all processes of the network namespace, since it began.',
    type: 'counter',
    labelNames: [],
    combine: 'max',
    rows: ({ listenOverflows }) => rowOf({}, listenOverflows),
  },
  {
    name: 'close_wait_open_fds',
    otel: {
      name: 'process.unix.file_descriptor.count',
      unit: '{file_descriptor}',
      instrument: 'up-down-counter',
    },
    help: 'Open file descriptors of the process.',
    type: 'gauge',
    labelNames: [],
    // The process that is nearest to its limit is the one to see.
    combine: 'max',
    rows: ({ fds }) => rowOf({}, fds.open),
  },
  {
    name: 'close_wait_max_fds',
    otel: { name: 'close_wait_guard.file_descriptor.limit', unit: '{file_descriptor}' },
    help: 'How many file descriptors the process may have open (the soft limit).',
    type: 'gauge',
    labelNames: [],
    combine: 'min',
    rows: ({ fds }) => rowOf({}, fds.limit > 0 ? fds.limit : undefined),
  },
  {
    name: 'close_wait_guard_sample_seconds',
    otel: { name: 'close_wait_guard.sample.duration', unit: 's' },
    help: "How long the guard's last sample held the event loop, in its longest turn.",
    type: 'gauge',
    labelNames: [],
    combine: 'max',
    rows: ({ lastSample }) => [[{}, lastSample.durationMs / 1000]],
  },
  {
    name: 'close_wait_guard_last_sample_timestamp_seconds',
    otel: { name: 'close_wait_guard.sample.last_timestamp', unit: 's' },
    help: 'When the last sample ended, in seconds since 1970; 0 before the first. No value where none will come.',
    type: 'gauge',
    labelNames: [],
    // The one that has stood still for longest is the one to see.
    combine: 'min',
    rows: ({ lastSample: { endedAt } }) => rowOf({}, endedAt === undefined ? undefined : endedAt / 1000),
  },
  {
    name: 'close_wait_guard_info',
    otel: { name: 'close_wait_guard.info', unit: '{guard}' },
    help: 'Always 1. Which version it is, and whether it can see sockets here.',
    type: 'gauge',
    labelNames: ['version', 'supported'],
    combine: 'max',
    rows: ({ version, supported }) => [[{ version, supported: String(supported) }, 1]],
  },
  {
    name: 'close_wait_guard_errors_total',
    otel: { name: 'close_wait_guard.errors', unit: '{error}' },
    help: 'Failures of the guard that it kept from the application.',
    type: 'counter',
    labelNames: ['operation'],
    combine: 'sum',
    rows: ({ errors }) => GUARD_OPERATIONS.map((operation): Row => [{ operation }, errors[operation]]),
  },
];
