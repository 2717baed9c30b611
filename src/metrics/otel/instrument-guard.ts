import timers from 'node:timers';
import { badArgument, GuardError } from '../../base/errors.js';
import { isObject } from '../../base/objects.js';
import { option, readOptions } from '../../base/options.js';
import { shared } from '../../base/shared-state.js';
import { VERSION } from '../../base/version.js';
import { isGuard, type Guard } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import { warnSetting } from '../../guard/warnings.js';
import type { OtelApi, OtelLogger, OtelLoggerProvider, OtelMeterProvider } from './api.js';
import { emitEvents, loggerOf } from './events.js';
import { Instruments, SCHEMA, SCOPE } from './instruments.js';
import { HOW_TO_GET_LOGS, isEnabled, loadApi, loadLogs } from './load.js';
import { followSpans } from './spans.js';

export type { OtelLoggerProvider, OtelMeterProvider } from './api.js';

export interface OtelOptions {
  /** Where metrics go; `false`: nowhere. @default the global meter provider, also one that is registered later */
  meterProvider?: OtelMeterProvider | false | undefined;
  /** Where events go; `false`: nowhere. @default the global logger provider, also one that is registered later */
  loggerProvider?: OtelLoggerProvider | false | undefined;
}

/** How often the global meter provider is asked for while there is none, ms. */
const LOOK_EVERY_MS = 1_000;

const OPTIONS = Object.freeze({
  meterProvider: providerWith<OtelMeterProvider>('getMeter', 'a MeterProvider or false'),
  loggerProvider: providerWith<OtelLoggerProvider>('getLogger', 'a LoggerProvider or false'),
});

function providerWith<T>(method: string, takes: string): ReturnType<typeof option<T | false | undefined>> {
  return option<T | false | undefined>(
    takes,
    undefined,
    (value) => value === false || (isObject(value) && typeof value[method] === 'function'),
  );
}

/**
 * Reports a guard to OpenTelemetry: its counts as metrics, its leaks as events (log records) in the context of the request that
 * leaked. From then on reports also name the spans of this process. Returns a dispose function, which is idempotent.
 *
 * The order does not matter: an SDK that is started later is found within a second. Keeps no process alive.
 * @throws GuardError CWG_ERR_OPTION; CWG_ERR_ARGUMENT; CWG_ERR_PEER_VERSION where `@opentelemetry/api` is missing or too old;
 * CWG_ERR_METRICS_CONFLICT when the guard is in that meter provider already
 */
export function instrumentGuard(guard: Guard, options: OtelOptions = {}): () => void {
  if (!isGuard(guard)) throw badArgument('the guard given to instrumentGuard()', guard, 'what createGuard() returns');
  const { meterProvider, loggerProvider } = readOptions(OPTIONS, options);
  const api = loadApi();
  const dispose: (() => void)[] = [];
  if (meterProvider) dispose.push(Instruments.of(api, meterProvider).add(guard));
  else if (meterProvider === undefined) dispose.push(addToGlobal(api, guard));
  if (loggerProvider !== false) {
    dispose.push(emitEvents(api, guard, loggerProvider ? () => loggerOf(loggerProvider) : globalLogger(api)));
  }
  dispose.push(followSpans(api, guard));
  return () => {
    for (const undo of dispose.splice(0)) undo();
  };
}

/** Guards that the global meter provider has, or will have once there is one. */
const inGlobal = shared('otel-global', () => new WeakSet<Guard>());

/** Tracers and loggers that are made before the SDK is started begin to work then. Meters do not. */
function addToGlobal(api: OtelApi, guard: Guard): () => void {
  if (inGlobal().has(guard)) {
    throw new GuardError(
      'CWG_ERR_METRICS_CONFLICT',
      'close-wait-guard: this guard is reported to the global meter provider already',
    );
  }
  let remove = addIfRegistered(api, guard);
  let timer: NodeJS.Timeout | undefined;
  if (!remove) {
    timer = timers.setInterval(() => {
      try {
        remove = addIfRegistered(api, guard);
      } catch (error) {
        timers.clearInterval(timer);
        internalsOf(guard).callbackFailed(error);
      }
      if (remove) timers.clearInterval(timer);
    }, LOOK_EVERY_MS);
    timer.unref();
  }
  inGlobal().add(guard);
  return () => {
    timers.clearInterval(timer);
    remove?.();
    inGlobal().delete(guard);
  };
}

function addIfRegistered(api: OtelApi, guard: Guard): (() => void) | undefined {
  const provider = api.metrics.getMeterProvider();
  if (provider.getMeter(SCOPE, VERSION, SCHEMA) === api.createNoopMeter()) return undefined;
  return Instruments.of(api, provider).add(guard);
}

/** An application may have the API of one SDK, and the package of loggers of another: the one that goes somewhere is taken. */
function globalLogger(api: OtelApi): () => OtelLogger | undefined {
  const sources = loadLogs(api);
  if (sources.length === 0) {
    warnSetting('close-wait-guard/otel', `leaks are not told to OpenTelemetry as events: ${HOW_TO_GET_LOGS}`);
  }
  return () => {
    const loggers = sources.map((logs) => loggerOf(logs.getLoggerProvider()));
    return loggers.find(isEnabled) ?? loggers[0];
  };
}
