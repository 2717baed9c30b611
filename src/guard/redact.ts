import { isIP, isIPv4 } from 'node:net';
import type { LeakReport } from '../leaks/report.js';
import type { Redactable } from './options.js';

const REDACTED = '[redacted]';

/**
 * What an address can be part of: hexadecimal digits, colons and dots, as in `[::1]:8080` or `10.0.0.1:53112`, and an IPv6
 * zone. Every piece is examined once, so this takes linear time, whatever a client sent.
 */
const PIECE = /\[?([0-9A-Fa-f:.]{2,})(%[\w.-]{1,32})?(?:\]?(:\d{1,5})?)/g;

/** One among other letters and digits, as in `face:10.0.0.1:80`. */
const IPV4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])(?::\d{1,5})?/g;

/** A report without the addresses and ports of both ends, also inside its text. Names of hosts, servers and routes stay. */
export function redactReport<Report extends LeakReport>(report: Report): Report {
  return {
    ...report,
    localAddress: undefined,
    localPort: undefined,
    remoteAddress: undefined,
    remotePort: undefined,
    explanation: redactText(report.explanation),
    fix: redactText(report.fix),
    server: redactText(report.server),
    route: redactText(report.route),
    path: redactText(report.path),
    destination: redactText(report.destination),
    waitsFor: redactText(report.waitsFor),
    requestedBy: redactText(report.requestedBy),
    stack: redactText(report.stack),
  };
}

/** What of a text may be in a report. */
export function shownOf(redact: readonly Redactable[]): (text: string) => string {
  return redact.includes('addresses') ? redactText : (text) => text;
}

function redactText<Text extends string | undefined>(text: Text): Text {
  if (typeof text !== 'string') return text;
  return text.replace(PIECE, (piece: string, digits: string) => withoutAddress(piece, digits)) as Text;
}

/** `digits` may have a port behind it, the colon of a scheme before it and the full stop or colon of a sentence after it. */
function withoutAddress(piece: string, digits: string): string {
  const [before = ''] = /^[:.](?!:)/.exec(digits) ?? [];
  const [after = ''] = /[:.]$/.exec(digits) ?? [];
  const address = digits.slice(before.length, digits.length - after.length);
  const port = address.lastIndexOf(':');
  const found = isIP(address) !== 0 || (port > 0 && isIPv4(address.slice(0, port)));
  if (found) return `${before}${REDACTED}${piece.endsWith(after) ? after : ''}`;
  return piece.replace(IPV4, REDACTED);
}
