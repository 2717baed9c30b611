import { monotonicMs } from '../../base/clock.js';
import { badOption } from '../../base/errors.js';
import { routesOf, type FoundRoute } from '../../frameworks/fastify/routes.js';
import { hangUpOn, openTarget } from '../hang-up/index.js';
import { resolveHangUpOptions } from '../hang-up/options.js';
import { checkNotClosed } from '../hang-up/target.js';
import { Accepted } from './accepted.js';
import { audit, type Subject } from './audit.js';
import { checkFastify, makeListen, type FastifyApplication } from './listen.js';
import { resolveAuditOptions, type AuditOptions, type ResolvedAuditOptions } from './options.js';
import { momentsForAll } from './plan.js';
import { Progress } from './progress.js';
import type { AuditReport, NotTried } from './report.js';
import { NoSample, sampleOf } from './samples.js';
import { loadSampler } from './schemas.js';
import { drawReport } from './table.js';

/** A route that has not responded by then is taken for a silent one, ms. */
const LONGEST_MOMENT_MS = 1_250;

/**
 * Hangs up on every route of a Fastify application at every moment that makes sense, and says which of them leak their
 * sockets, why, and what to change. The application is made to listen on 127.0.0.1 when it does not listen, and stays so;
 * only its loopback address is contacted, but the handlers run, and do what they do: `filter` excludes routes.
 * The server's ends of the audit's own connections are destroyed, leaked ones once they are recorded.
 * @throws GuardError CWG_ERR_OPTION; CWG_ERR_ARGUMENT, also for an application that is closed; CWG_ERR_UNSUPPORTED where the
 * addon cannot run
 */
export async function auditRoutes(fastify: FastifyApplication, options?: AuditOptions): Promise<AuditReport> {
  checkFastify(fastify);
  checkNotClosed(fastify, 'auditRoutes()');
  const resolved = resolveAuditOptions(options);
  await makeListen(fastify);
  const { subjects, excluded } = await subjectsOf(routesOf(fastify), resolved);
  const opened = await openTarget(fastify, 'auditRoutes()');
  const accepted = new Accepted(fastify.server);
  const { deadlineMs } = resolved;
  const momentMs = Math.min(deadlineMs, LONGEST_MOMENT_MS);
  const progress = Progress.on(process.stderr, subjects.filter(({ route }) => route).length);
  try {
    const data = await audit(subjects, {
      guard: opened.guard,
      options: resolved,
      hangUp: (request, at, how) =>
        hangUpOn(opened, request, { ...resolveHangUpOptions({ at, how, deadlineMs }), momentMs }),
      upgrades: fastify.server.listenerCount('upgrade') > 0,
      progress,
      excluded,
      now: monotonicMs,
    });
    // Not enumerable: the report is data, and a runner that compares or prints it does not see a function.
    return Object.defineProperty(data, 'toString', { value: () => drawReport(data) });
  } finally {
    progress?.end();
    accepted.end(opened.clientPorts);
    opened.close();
  }
}

/** What is tried, and what is not and why. */
async function subjectsOf(
  routes: readonly FoundRoute[],
  options: ResolvedAuditOptions,
): Promise<{ subjects: Subject[]; excluded: NotTried[] }> {
  checkExamples(routes, options);
  const sampler = routes.some(({ schema }) => schema) ? await loadSampler() : undefined;
  const subjects: Subject[] = [];
  const excluded: NotTried[] = [];
  for (const route of routes) {
    const exclude = (reason: NotTried['reason'], explanation: string): void => {
      excluded.push({ method: route.method, url: route.url, at: undefined, reason, explanation });
    };
    if (route.derived === 'slash') exclude('generated', 'Fastify made it from the same route without the slash');
    else if (route.derived === 'head' && !options.headRoutes)
      exclude('generated', 'Fastify made it from GET (headRoutes: true tries it)');
    else {
      const { method, url, schema, config, constraints } = route;
      const chosen = options.filter({ method, url, schema, config, constraints });
      if (chosen === false) {
        exclude('filter', 'left out by filter');
        continue;
      }
      try {
        const request = chosen === true ? undefined : chosen;
        const example = options.examples.get(`${method} ${url}`);
        subjects.push({ route, sample: sampleOf(route, { example, request, headers: options.headers, sampler }) });
      } catch (error) {
        if (!(error instanceof NoSample)) throw error;
        exclude('no-sample', error.message);
      }
    }
  }
  if (momentsForAll(options.moments).length > 0) {
    subjects.unshift({ route: undefined, sample: { requests: [{ path: '/' }], hasBody: false } });
  }
  return { subjects, excluded };
}

function checkExamples(routes: readonly FoundRoute[], { examples }: ResolvedAuditOptions): void {
  const names = new Set(routes.map(({ method, url }) => `${method} ${url}`));
  for (const name of examples.keys()) {
    if (!names.has(name))
      throw badOption(
        'examples',
        name,
        `methods and patterns of the application's routes, as in ${[...names].slice(0, 3).join(', ')}`,
      );
  }
}
