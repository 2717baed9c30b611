import { GuardError } from '../../base/errors.js';
import type { LeakReport } from '../../leaks/report.js';

/** How many leaks a message spells out; the rest are counted. */
const MAX_SPELLED_OUT = 5;

/** What is thrown for leaked sockets: a {@link GuardError} with code `CWG_ERR_LEAKED_SOCKETS`. */
export interface LeakedSocketsError extends GuardError {
  /** All of them, also those the message only counts. Not enumerable: a runner that prints an error's properties does not repeat them. */
  readonly leaks: readonly LeakReport[];
}

export function leakedSocketsError(leaks: readonly LeakReport[], what: (count: string) => string): LeakedSocketsError {
  const error = new GuardError('CWG_ERR_LEAKED_SOCKETS', leakMessage(leaks, what));
  return Object.defineProperty(error, 'leaks', { value: leaks }) as LeakedSocketsError;
}

/** A failure as a terminal shows it: `what` happened, then three lines for each leak: whose it is, why, what to change. */
export function leakMessage(leaks: readonly LeakReport[], what: (count: string) => string): string {
  const one = leaks.length === 1;
  const fate = one ? 'its peer has gone, and nothing closed it' : 'their peers have gone, and nothing closed them';
  const lines = [`${what(one ? '1 leaked socket' : `${leaks.length} leaked sockets`)}: ${fate}.`, ''];
  for (const [i, leak] of leaks.slice(0, MAX_SPELLED_OUT).entries()) {
    lines.push(
      `  ${i + 1}. ${subjectOf(leak)}: ${leak.side}, ${leak.kind}, ${leak.cause}`,
      `     ${leak.explanation}`,
      `     Fix: ${leak.fix}`,
    );
  }
  if (leaks.length > MAX_SPELLED_OUT) lines.push(`  and ${leaks.length - MAX_SPELLED_OUT} more`);
  return lines.join('\n');
}

/** Names the socket by its route or destination, or by its peer where neither is known. */
function subjectOf({ side, server, method, route, destination, fd, ...ends }: LeakReport): string {
  const request = [method, side === 'outbound' ? destination : route].filter(Boolean).join(' ');
  if (side === 'outbound') return method === undefined ? `connection to ${request}` : request;
  if (request) return server === undefined ? request : `${request} (${server})`;
  const from = ends.remoteAddress === undefined ? '' : ` from ${ends.remoteAddress} port ${String(ends.remotePort)}`;
  return side === 'inbound' ? `connection to ${server ?? 'a server'}${from}` : `fd ${fd}, a connection${from}`;
}
