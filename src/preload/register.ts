/**
 * Preload: `node --import close-wait-guard/register app.js` starts a guard with no change to the application. This is the
 * one entry point that acts on import. Settings come from the environment, see docs/preload.md; a setting that cannot be taken is
 * a warning and its default, never the end of the application.
 */
import { isMainThread } from 'node:worker_threads';
import { isSwitchedOff } from '../base/environment.js';
import { followFastifyApplications } from '../frameworks/fastify/applications.js';
import { createGuard, type Guard } from '../guard/guard.js';
import { warnSetting } from '../guard/warnings.js';
import { instrumentGuard } from '../metrics/otel/instrument-guard.js';
import { readEnvironment } from './environment.js';
import { EventLog } from './event-log.js';
import { serveMetrics } from './metrics-server.js';
import { isPackageManager } from './package-managers.js';

if (!isSwitchedOff() && !isPackageManager(process.argv[1])) start();

function start(): void {
  const settings = readEnvironment(process.env, warnSetting);
  const guard = createGuard({
    closeWaitTimeout: settings.closeWaitTimeout,
    sampleInterval: settings.sampleInterval,
    reclaim: settings.reclaim,
    redact: settings.redact,
    ignore: settings.ignore,
  });

  if (guard.supported) {
    const log = new EventLog(settings.log, { level: settings.logLevel });
    // A worker thread gets no signals.
    if (settings.signal && isMainThread) {
      process.on(settings.signal, () => {
        log.list(guard.leaks());
      });
    }
    followFastifyApplications();
    guard.on('leak', (leak) => {
      log.write('leak', leak);
    });
    guard.on('released', (leak) => {
      log.write('released', leak);
    });
    guard.on('reclaimed', (leak) => {
      log.write('reclaimed', leak);
    });
  }
  // Of all processes and threads one serves the pages.
  if (settings.metricsPort !== undefined) serveMetrics(guard, settings.metricsPort, settings.inspectorRoute);
  if (settings.otel) reportToOtel(guard);
}

/** To the SDK that the application starts, whenever that is. Without the packages for it the application runs on. */
function reportToOtel(guard: Guard): void {
  try {
    instrumentGuard(guard);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    warnSetting('CLOSE_WAIT_GUARD_OTEL', `CLOSE_WAIT_GUARD_OTEL has no effect: ${why}`);
  }
}
