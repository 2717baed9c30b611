import { wallClock } from '../../base/clock.js';
import { VERSION } from '../../base/version.js';
import type { LeakEvent } from '../../guard/equal-lines.js';
import type { Guard } from '../../guard/guard.js';
import { leakLine } from '../../guard/leak-line.js';
import type { LeakReport } from '../../leaks/report.js';
import type { OtelApi, OtelContext, OtelLogger, OtelLoggerProvider } from './api.js';
import { attributesOfReport, NAMESPACE } from './attributes.js';
import { SCHEMA, SCOPE } from './instruments.js';

/** As the Fastify plugin logs them: a leak and its end by force are a warning (OpenTelemetry, log data model: 13 to 16), the rest informs (9 to 12). */
const SEVERITIES: Readonly<Record<LeakEvent, number>> = { leak: 13, reclaimed: 13, released: 9 };

/** The event's name, as in `close_wait_guard.leak`. */
export function eventNameOf(event: LeakEvent): string {
  return `${NAMESPACE}.${event}`;
}

/**
 * Emits each event of a guard as a log record in the context of the request that leaked. Returns its dispose function.
 * @param currentLogger asked at each event, since an SDK may be started later than this; undefined where there is none
 */
export function emitEvents(api: OtelApi, guard: Guard, currentLogger: () => OtelLogger | undefined): () => void {
  const emit = (event: LeakEvent, leak: LeakReport): void => {
    currentLogger()?.emit({
      eventName: eventNameOf(event),
      timestamp: wallClock(),
      severityNumber: SEVERITIES[event],
      body: leakLine({ event, leak, more: 0, open: undefined }),
      attributes: attributesOfReport(leak),
      context: contextOf(api, leak),
    });
  };
  const onLeak = (leak: LeakReport): void => emit('leak', leak);
  const onReleased = (leak: LeakReport): void => emit('released', leak);
  const onReclaimed = (leak: LeakReport): void => emit('reclaimed', leak);
  guard.on('leak', onLeak).on('released', onReleased).on('reclaimed', onReclaimed);
  return () => {
    guard.off('leak', onLeak).off('released', onReleased).off('reclaimed', onReclaimed);
  };
}

const loggers = new WeakMap<OtelLoggerProvider, OtelLogger>();

/** To get one may be expensive, so each provider is asked once. */
export function loggerOf(provider: OtelLoggerProvider): OtelLogger {
  let logger = loggers.get(provider);
  if (!logger) {
    logger = provider.getLogger(SCOPE, VERSION, SCHEMA) as OtelLogger;
    loggers.set(provider, logger);
  }
  return logger;
}

/** Of no trace where the request has none: what is active while the guard samples has nothing to do with it. */
function contextOf(api: OtelApi, { traceId, spanId, traceFlags }: LeakReport): OtelContext {
  if (traceId === undefined || spanId === undefined) return api.ROOT_CONTEXT;
  const flags = Number.parseInt(traceFlags ?? '00', 16);
  return api.trace.setSpanContext(api.ROOT_CONTEXT, { traceId, spanId, traceFlags: flags, isRemote: true });
}
