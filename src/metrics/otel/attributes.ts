import type { TcpStateName } from '../../base/tcp-states.js';
import type { LeakReport } from '../../leaks/report.js';
import type { Labels } from '../rows.js';
import type { OtelAttributes } from './api.js';

/** The namespace of what no semantic convention has a name for. */
export const NAMESPACE = 'close_wait_guard';

/** Labels and fields of a report for which a semantic convention has a name. */
const CONVENTIONS = {
  method: 'http.request.method',
  route: 'http.route',
  path: 'url.path',
  localAddress: 'network.local.address',
  localPort: 'network.local.port',
  remoteAddress: 'network.peer.address',
  remotePort: 'network.peer.port',
  stack: 'code.stacktrace',
} as const;

/** The host that a connection goes to, without a port or path, is what the conventions call so. A report's destination is more than that. */
const DESTINATION_LABEL = 'server.address';

/** What a log record has in other places: its context, and its body. */
const NOT_ATTRIBUTES: ReadonlySet<string> = new Set<keyof LeakReport>([
  'traceId',
  'spanId',
  'traceFlags',
  'explanation',
]);

/** `network.connection.state` of the conventions; its values are those of RFC 9293. */
const CONNECTION_STATES: Partial<Record<TcpStateName, string>> = {
  ESTABLISHED: 'established',
  FIN_WAIT1: 'fin_wait_1',
  FIN_WAIT2: 'fin_wait_2',
  TIME_WAIT: 'time_wait',
  CLOSE: 'closed',
  CLOSE_WAIT: 'close_wait',
  LAST_ACK: 'last_ack',
  CLOSING: 'closing',
};

/** What a label of the Prometheus families is called as an attribute. */
export function attributeOfLabel(label: string): string {
  return label === 'destination' ? DESTINATION_LABEL : attributeOf(label);
}

export function attributesOfLabels(labels: Labels, constant: Labels = {}): OtelAttributes {
  const own = Object.entries(labels).filter(([, value]) => value !== '');
  return { ...constant, ...Object.fromEntries(own.map(([label, value]) => [attributeOfLabel(label), value])) };
}

/** Each field of a report that is known. */
export function attributesOfReport(report: LeakReport): OtelAttributes {
  const attributes: OtelAttributes = { 'network.transport': 'tcp' };
  for (const [field, value] of Object.entries(report) as [string, string | number | undefined][]) {
    if (value === undefined || NOT_ATTRIBUTES.has(field)) continue;
    if (field === 'state') {
      const state = CONNECTION_STATES[report.state];
      if (state !== undefined) attributes['network.connection.state'] = state;
    } else attributes[attributeOf(field)] = value;
  }
  return attributes;
}

/** As in `close_wait_guard.unread_kernel_bytes`. */
export function attributeOf(field: string): string {
  if (Object.hasOwn(CONVENTIONS, field)) return CONVENTIONS[field as keyof typeof CONVENTIONS];
  return `${NAMESPACE}.${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}
