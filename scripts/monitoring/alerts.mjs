/**
 * The alerts. Each becomes a rule of monitoring/rules.yml, has a section of its name in docs/runbook.md and a case in
 * test/monitoring/rules.test.yml.
 *
 * `severity` as in the Prometheus mixins: critical wakes somebody, warning is a ticket.
 */
import { FIXES } from './fixes.mjs';

const where = '{{ $labels.instance }}';
const fix = `${Object.entries(FIXES)
  .map(([cause, what], i) => `{{ ${i === 0 ? '' : 'else '}if eq $labels.cause "${cause}" }}${what}`)
  .join('')}{{ end }}`;
const whose =
  '{{ with $labels.route }}, {{ with $labels.method }}{{ . }} {{ end }}{{ . }}{{ end }}' +
  '{{ with $labels.server }}, server {{ . }}{{ end }}{{ with $labels.destination }}, to {{ . }}{{ end }}';

export const alerts = [
  {
    name: 'CloseWaitLeak',
    // The zeros of a kind have no cause.
    expr: 'sum by (job, instance, kind, cause, side, route, method, server, destination) (close_wait_leaked_sockets{cause!=""}) > 0',
    for: '5m',
    severity: 'warning',
    summary: 'Sockets leak.',
    description: `${where} leaks sockets: {{ $value }} x {{ $labels.cause }}${whose} ({{ $labels.side }}, {{ $labels.kind }}). Fix: ${fix}.`,
  },
  {
    name: 'CloseWaitLeakGrowing',
    expr: 'instance:close_wait_leaked_sockets:sum > 10 and deriv(instance:close_wait_leaked_sockets:sum[30m]) * 3600 > 10',
    for: '15m',
    severity: 'warning',
    summary: 'Leaked sockets become more and more.',
    description: `{{ $value }} leaked sockets on ${where}, and over 10 more an hour. CloseWaitLeak names routes and causes.`,
  },
  {
    name: 'CloseWaitFdExhaustionIn24Hours',
    expr: 'predict_linear(close_wait_open_fds[6h], 24 * 3600) > close_wait_max_fds and instance:close_wait_fds:ratio > 0.4 and on (job, instance) instance:close_wait_leaked_sockets:sum > 0',
    for: '30m',
    severity: 'warning',
    summary: 'File descriptors will be used up within a day.',
    description: `At the pace of the last 6 hours ${where} has none left in 24 hours, and sockets leak there. CloseWaitLeak names routes and causes.`,
  },
  {
    name: 'CloseWaitFdExhaustionIn4Hours',
    expr: 'predict_linear(close_wait_open_fds[1h], 4 * 3600) > close_wait_max_fds and instance:close_wait_fds:ratio > 0.6 and on (job, instance) instance:close_wait_leaked_sockets:sum > 0',
    for: '10m',
    severity: 'critical',
    summary: 'File descriptors will be used up within hours.',
    description: `At the pace of the last hour ${where} has none left in 4 hours, and sockets leak there. A restart frees them: take the reports first. CloseWaitLeak names routes and causes.`,
  },
  {
    name: 'CloseWaitPortCollision',
    expr: 'close_wait_port_collision_ratio > 0.01',
    for: '5m',
    severity: 'warning',
    summary: 'New connections of a peer collide with leaked sockets.',
    description: `{{ $value | humanizePercentage }} of the port pairs that the next connection of one peer of ${where} may choose are held by leaks: it is reset, or hangs.`,
  },
  {
    name: 'CloseWaitAcceptQueueFull',
    expr: 'tcp_accept_queue_sockets >= tcp_accept_queue_limit * 0.9 and tcp_accept_queue_limit > 0',
    for: '2m',
    severity: 'critical',
    summary: 'An accept queue is full.',
    description: `{{ $value }} connections wait to be accepted by {{ $labels.server }} on ${where}. The kernel refuses what does not fit.`,
  },
  {
    name: 'CloseWaitListenOverflow',
    expr: 'increase(tcp_listen_overflows_total[5m]) > 0',
    for: '5m',
    severity: 'warning',
    summary: 'Connections are refused because an accept queue is full.',
    description: `{{ $value | humanize }} in 5 minutes in the network namespace of ${where}: of any process there.`,
  },
  {
    name: 'CloseWaitRemoteEndLeaks',
    expr: 'tcp_fin_wait2_sockets > 1000',
    for: '10m',
    severity: 'warning',
    summary: 'The remote end does not close its sockets.',
    description: `{{ $value }} connections of ${where} are closed here and not there{{ with $labels.server }}: clients of server {{ . }}{{ end }}{{ with $labels.destination }}: {{ . }}{{ end }}. That process leaks, not this one.`,
  },
  {
    name: 'CloseWaitReclaiming',
    expr: 'sum by (job, instance, kind) (increase(close_wait_reclaimed_total[1h])) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'The guard ends leaked sockets: a mask over a bug.',
    description: `{{ $value | humanize }} leaks ({{ $labels.kind }}) of ${where} were ended in an hour. The log has each, with its route and fix.`,
  },
  {
    name: 'CloseWaitGuardStandsStill',
    expr: 'time() - close_wait_guard_last_sample_timestamp_seconds > 60',
    for: '5m',
    severity: 'warning',
    summary: 'The guard takes no samples.',
    description: `The last one on ${where} ended {{ $value | humanizeDuration }} ago: no leak is found there. Is its event loop blocked?`,
  },
  {
    name: 'CloseWaitGuardErrors',
    expr: 'sum by (job, instance, operation) (increase(close_wait_guard_errors_total[15m])) > 0',
    for: '0m',
    severity: 'warning',
    summary: 'The guard fails at something.',
    description: `{{ $value | humanize }} failures of {{ $labels.operation }} on ${where} in 15 minutes. The log has the first, as CWG_WARN_….`,
  },
  {
    name: 'CloseWaitGuardUnsupported',
    expr: 'close_wait_guard_info{supported="false"} > 0',
    for: '5m',
    severity: 'warning',
    summary: 'The guard cannot see sockets.',
    description: `Its addon does not run on ${where} (version {{ $labels.version }}): no leak is found there. stats().unsupportedReason says why.`,
  },
];

/** A fleet: one number a process, and one a service. An oldest is never a sum. */
export const recordings = [
  { record: 'instance:close_wait_leaked_sockets:sum', expr: 'sum by (job, instance) (close_wait_leaked_sockets)' },
  {
    record: 'instance:close_wait_fds:ratio',
    expr: 'max by (job, instance) (close_wait_open_fds / close_wait_max_fds)',
  },
  { record: 'job:close_wait_leaked_sockets:sum', expr: 'sum by (job) (close_wait_leaked_sockets)' },
  {
    record: 'job:close_wait_leaks_found:increase1h',
    expr: 'sum by (job) (increase(close_wait_leaks_found_total[1h]))',
  },
  { record: 'job:close_wait_oldest_seconds:max', expr: 'max by (job) (close_wait_oldest_seconds)' },
];
