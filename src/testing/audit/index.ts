import { badOption } from '../../base/errors.js';
import { routesOf, type FoundRoute } from '../../frameworks/fastify/routes.js';
import { hangUpOn, openLine } from '../hang-up/index.js';
import { resolveHangUpOptions } from '../hang-up/options.js';
import { Accepted } from './accepted.js';
import { audit, type Subject } from './audit.js';
import { checkFastify, makeListen, type FastifyApplication } from './listen.js';
import { resolveAuditOptions, type AuditOptions, type ResolvedAuditOptions } from './options.js';
import { momentsForAll } from './plan.js';
import type { AuditReport, NotTried } from './report.js';
import { NoSample, sampleOf } from './samples.js';
import { loadSampler } from './schemas.js';
import { drawReport } from './table.js';

/**
 * Hangs up on every route of a Fastify application at every moment that makes sense, and says which of them leak their
 * sockets, why, and what to change. The application is made to listen on 127.0.0.1 when it does not listen, and stays so;
 * nothing but its loopback address is contacted, but handlers run, with whatever they do: `filter` leaves routes out.
 * The server's ends of the audit's own connections are destroyed, leaked ones once they are recorded.
 * @throws GuardError CWG_ERR_OPTION, CWG_ERR_ARGUMENT
 */
export async function auditRoutes(fastify: FastifyApplication, options?: AuditOptions): Promise<AuditReport> {
  checkFastify(fastify);
  const resolved = resolveAuditOptions(options);
  await makeListen(fastify);
  const { subjects, leftOut } = await subjectsOf(routesOf(fastify), resolved);
  const line = await openLine(fastify, { traceRequests: true });
  const accepted = new Accepted(fastify.server);
  try {
    const data = await audit(subjects, {
      guard: line.guard,
      options: resolved,
      hangUp: (request, at, how) =>
        hangUpOn(line, request, resolveHangUpOptions({ at, how, deadlineMs: resolved.deadlineMs })),
      upgrades: fastify.server.listenerCount('upgrade') > 0,
      leftOut,
      now: () => performance.now(),
    });
    // Not enumerable: the report is data, and a runner that compares or prints it does not see a function.
    return Object.defineProperty(data, 'toString', { value: () => drawReport(data) });
  } finally {
    accepted.end(line.clientPorts);
    line.close();
  }
}

/** What is asked, and what is left out and why. */
async function subjectsOf(
  routes: readonly FoundRoute[],
  options: ResolvedAuditOptions,
): Promise<{ subjects: Subject[]; leftOut: NotTried[] }> {
  checkExamples(routes, options);
  const sampler = routes.some(({ schema }) => schema) ? await loadSampler() : undefined;
  const subjects: Subject[] = [];
  const leftOut: NotTried[] = [];
  for (const route of routes) {
    const leaveOut = (reason: NotTried['reason'], explanation: string): void => {
      leftOut.push({ method: route.method, url: route.url, at: undefined, reason, explanation });
    };
    if (route.derived === 'slash') leaveOut('twin', 'Fastify made it from the same route without the slash');
    else if (route.derived === 'head' && !options.headRoutes)
      leaveOut('twin', 'Fastify made it from GET (headRoutes: true tries it)');
    else {
      const { method, url, schema, config, constraints } = route;
      const answer = options.filter({ method, url, schema, config, constraints });
      if (answer === false) {
        leaveOut('filter', 'left out by filter');
        continue;
      }
      try {
        const request = answer === true ? undefined : answer;
        const example = options.examples.get(`${method} ${url}`);
        subjects.push({ route, sample: sampleOf(route, { example, request, headers: options.headers, sampler }) });
      } catch (error) {
        if (!(error instanceof NoSample)) throw error;
        leaveOut('no-sample', error.message);
      }
    }
  }
  if (momentsForAll(options.moments).length > 0) {
    subjects.unshift({ route: undefined, sample: { requests: [{ path: '/' }], hasBody: false } });
  }
  return { subjects, leftOut };
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
