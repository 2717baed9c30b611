/**
 * Preload: `node --import close-wait-guard/register app.js` starts a guard with no change to the application. This is the
 * one entry point that acts on import. Settings come from the environment, see docs/preload.md; a setting that cannot be taken is
 * a warning and its default, never the end of the application.
 */
import { createServer } from 'node:http';
import { isMainThread } from 'node:worker_threads';
import { isSwitchedOff } from './base/environment.js';
import { createGuard, followFastifyRoutes, type Guard } from './guard.js';
import { EventLog } from './preload/event-log.js';
import { readEnvironment } from './preload/environment.js';
import { warnSetting } from './guard/warnings.js';

if (!isSwitchedOff()) start();

function start(): void {
  const settings = readEnvironment(process.env, warnSetting);
  const guard = createGuard({
    closeWaitTimeout: settings.closeWaitTimeout,
    sampleInterval: settings.sampleInterval,
    reclaim: settings.reclaim,
    redact: settings.redact,
  });

  if (guard.supported) {
    const log = new EventLog(settings.log, { level: settings.logLevel });
    followFastifyRoutes();
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
  // One page for the process: worker threads' guards have no port of their own.
  if (settings.metricsPort !== undefined && isMainThread) serveMetrics(guard, settings.metricsPort);
}

function serveMetrics(collected: Guard, port: number): void {
  import('./prometheus.js')
    .then(({ collectGuardMetrics, registryOf }) => {
      const register = registryOf();
      collectGuardMetrics(collected, { register });
      const server = createServer((request, response) => {
        if (request.url?.split('?', 1)[0] !== '/metrics') {
          response.writeHead(404, { 'content-type': 'text/plain' }).end('Not here: GET /metrics\n');
          return;
        }
        register.metrics().then(
          (page) => response.writeHead(200, { 'content-type': register.contentType }).end(page),
          (error: unknown) => response.writeHead(500, { 'content-type': 'text/plain' }).end(`${String(error)}\n`),
        );
      });
      server.on('error', (error) => {
        warnSetting(
          'CLOSE_WAIT_GUARD_METRICS_PORT',
          `/metrics cannot be served on 127.0.0.1:${port} (${error.message})`,
        );
      });
      server.on('connection', (socket) => socket.unref());
      server.listen(port, '127.0.0.1').unref();
    })
    .catch((error: unknown) => {
      // prom-client is not installed, or the application has metrics of these names.
      warnSetting(
        'CLOSE_WAIT_GUARD_METRICS_PORT',
        `/metrics cannot be served (it needs prom-client): ${String(error)}`,
      );
    });
}
