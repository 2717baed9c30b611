import { metrics, logs, type LoggerProvider, type MeterProvider } from '@opentelemetry/api';
import { logs as logsOfPackage, type LoggerProvider as LoggerProviderOfPackage } from '@opentelemetry/api-logs';
import { describe, expectTypeOf, it } from 'vitest';
import type { Guard } from '../../../src/index.js';
import { instrumentGuard, type OtelOptions } from '../../../src/otel.js';

describe('instrumentGuard', () => {
  const guard = {} as Guard;

  it('takes the providers of the API, of each version, and returns its dispose function', () => {
    expectTypeOf(instrumentGuard).parameter(1).toEqualTypeOf<OtelOptions | undefined>();
    expectTypeOf(instrumentGuard(guard)).toEqualTypeOf<() => void>();
    instrumentGuard(guard, { meterProvider: metrics.getMeterProvider(), loggerProvider: logs.getLoggerProvider() });
    instrumentGuard(guard, { loggerProvider: logsOfPackage.getLoggerProvider() });
    instrumentGuard(guard, { meterProvider: {} as MeterProvider, loggerProvider: {} as LoggerProvider });
    instrumentGuard(guard, { meterProvider: false, loggerProvider: {} as LoggerProviderOfPackage });
    instrumentGuard(guard, { meterProvider: undefined, loggerProvider: false });
    // @ts-expect-error A provider, not a meter.
    instrumentGuard(guard, { meterProvider: metrics.getMeter('shop') });
    // @ts-expect-error It is on by leaving the option out.
    instrumentGuard(guard, { meterProvider: true });
    // @ts-expect-error No such option.
    instrumentGuard(guard, { tracerProvider: {} });
    // @ts-expect-error A guard comes first.
    instrumentGuard({ meterProvider: false });
  });
});
