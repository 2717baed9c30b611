import type { LeakReport } from '../leaks/report.js';
import type { Gathered, LeakEvent } from './equal-lines.js';

const TITLES: Readonly<Record<LeakEvent, string>> = {
  leak: 'Leaked socket',
  released: 'Leaked socket was closed',
  reclaimed: 'Leaked socket was reclaimed',
};

/** The trace under the names that log processors look for (OpenTelemetry, trace context in non-OTLP logs); nothing where there is none. */
export function traceFieldsOf({ traceId, spanId, traceFlags }: LeakReport): Readonly<Record<string, string>> {
  if (traceId === undefined || spanId === undefined || traceFlags === undefined) return {};
  return { trace_id: traceId, span_id: spanId, trace_flags: traceFlags };
}

/** What a person reads of a leak, or of many equal ones. */
export function leakLine({ event, leak, more, open }: Gathered): string {
  const title = TITLES[event];
  if (more === 0) return `${title}: ${leak.explanation}${event === 'leak' ? ` Fix: ${leak.fix}` : ''}`;
  const same = open === undefined ? 'of too many kinds for a line each' : `of the same (${open} open now)`;
  return `${title}: ${more.toLocaleString('en-US')} more ${same}; the last one: ${leak.explanation}`;
}
