import type { Cluster } from 'node:cluster';
import { setTimeout } from 'node:timers';
import { isMainThread } from 'node:worker_threads';
import { createHttpServer } from '../base/http.js';
import type { Guard } from '../guard/guard.js';
import { internalsOf } from '../guard/internals.js';
import { warnSetting } from '../guard/warnings.js';
import { PageRegistry, pageOf, sumUp } from '../metrics/page.js';
import { collectGuardMetrics } from '../metrics/prometheus.js';
import { pageHandler } from '../page/handler.js';
import { mergePages } from '../page/merge.js';
import { pageSourceOf, type PageSource } from '../page/page-source.js';
import { MetricsHub } from './metrics-hub.js';
import { meetingPlace } from './metrics-meeting.js';
import { MetricsMember } from './metrics-member.js';

const SETTING = 'CLOSE_WAIT_GUARD_METRICS_PORT';
/** Tries again after so many milliseconds; the last one for ever. */
const RETRY_MS = [50, 100, 250, 1_000, 5_000] as const;
/** A cluster worker leaves the port to its primary for so many tries: that one outlives it, and with it the totals of all. */
const TRIES_FOR_PRIMARY = 3;
/** It may be a process of this kind that has bound the port and not yet the meeting place: no warning the first time. */
const TRIES_UNTIL_WARNING = 1;

/**
 * Serves `/metrics` on 127.0.0.1, and where it has a path the page that a person reads: of all processes and threads with this
 * setting one has the port, and its pages are the sum of them all; the others tell it their numbers over a unix socket. When it
 * ends, another one takes the port. Nothing is sent over the application's own IPC channel, and nothing of this keeps a process
 * alive.
 */
export function serveMetrics(guard: Guard, port: number, inspectorRoute?: string): void {
  const registry = new PageRegistry();
  collectGuardMetrics(guard, { register: registry });
  const inspector = inspectorRoute === undefined ? undefined : inspectorOf(guard, inspectorRoute);
  const member = new MetricsMember(guard, registry, inspector?.source);
  const place = meetingPlace(port);
  const mayHavePort = isMainThread;
  const waitsForAnother = isClusterWorker();
  let tries = 0;

  const retry = (): void => {
    const delay = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)];
    tries++;
    setTimeout(() => void attempt(), delay).unref();
  };
  const attempt = async (): Promise<void> => {
    let refused: Error | undefined;
    if (mayHavePort && !(waitsForAnother && tries < TRIES_FOR_PRIMARY)) {
      refused = await listen(registry, inspector, port, place);
      if (!refused) return;
    }
    const over = (): void => {
      tries = 0;
      retry();
    };
    if (await member.join(place, over)) return;
    if (refused && tries >= TRIES_UNTIL_WARNING) {
      warnSetting(SETTING, `/metrics cannot be served on 127.0.0.1:${port} (${refused.message})`);
    }
    retry();
  };
  void attempt();
}

/** The page that a person reads. */
interface Inspector {
  readonly path: string;
  readonly source: PageSource;
  readonly failed: (error: unknown) => void;
}

function inspectorOf(guard: Guard, path: string): Inspector {
  return { path, source: pageSourceOf(guard), failed: internalsOf(guard).callbackFailed };
}

/** Binds the port and the meeting place in one turn. Resolves to why it could not. */
function listen(
  registry: PageRegistry,
  inspector: Inspector | undefined,
  port: number,
  place: string,
): Promise<Error | undefined> {
  let hub: MetricsHub | undefined;
  const page =
    inspector &&
    pageHandler(
      async () => mergePages([await inspector.source.read(), ...((await hub?.gatherPages()) ?? [])]),
      undefined,
      inspector.failed,
    );
  const server = createHttpServer((request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (page && path === inspector.path) {
      page(request, response);
      return;
    }
    if (path !== '/metrics') {
      const others = inspector ? ` or ${inspector.path}` : '';
      response.writeHead(404, { 'content-type': 'text/plain' }).end(`Not here: GET /metrics${others}\n`);
      return;
    }
    pageOfAll(registry, hub).then(
      (page) => response.writeHead(200, { 'content-type': registry.contentType }).end(page),
      (error: unknown) => response.writeHead(500, { 'content-type': 'text/plain' }).end(`${String(error)}\n`),
    );
  });
  server.on('connection', (socket) => socket.unref());
  return new Promise((resolve) => {
    server.on('error', resolve);
    // A cluster worker would otherwise ask its primary to listen.
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      hub = new MetricsHub(place, (error) => {
        warnSetting(SETTING, `/metrics shows one process only: the others cannot reach it (${error.message})`);
      });
      resolve(undefined);
    });
    server.unref();
  });
}

async function pageOfAll(registry: PageRegistry, hub: MetricsHub | undefined): Promise<string> {
  return pageOf(sumUp([registry.objects(), ...((await hub?.gather()) ?? [])]));
}

/** Node's cluster module reads its settings from the environment when it is loaded: a worker has it loaded, others are not made to. */
function isClusterWorker(): boolean {
  return process.connected && (process.getBuiltinModule('node:cluster') as unknown as Cluster).isWorker;
}
