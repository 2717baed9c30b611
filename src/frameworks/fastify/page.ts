import type { FastifyInstance, FastifyRequest } from 'fastify';
import { badOption } from '../../base/errors.js';
import { isRecord } from '../../base/objects.js';
import { option, readOptions } from '../../base/options.js';
import type { Guard } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import { PageAnswers } from '../../page/answer.js';
import { askedBy, AUTHORIZE_OPTION } from '../../page/handler.js';
import { pageSourceOf } from '../../page/page-source.js';
import { HIDDEN, isPath, TAKES_PATH, yieldingRoute } from './own-route.js';

/** What `inspectorRoute` asks for. */
export interface InspectorRoute {
  readonly path: string;
  readonly authorize: ((request: FastifyRequest) => unknown) | undefined;
}

const ROUTE_OPTIONS = Object.freeze({
  path: option<string>(`a path that starts with '/' and does not end with one`, '', isPath),
  authorize: AUTHORIZE_OPTION,
});

/**
 * The option `inspectorRoute`; undefined where there is to be no page.
 * @throws GuardError CWG_ERR_OPTION
 */
export function readInspectorRoute(given: unknown, metricsRoute: string | false): InspectorRoute | undefined {
  if (given === undefined || given === false) return undefined;
  if (!isPath(given) && !isRecord(given)) {
    throw badOption('inspectorRoute', given, `${TAKES_PATH}, or an object { path, authorize }`);
  }
  const { path, authorize } = readOptions(ROUTE_OPTIONS, isRecord(given) ? given : { path: given }, 'inspectorRoute.');
  if (path === '') throw badOption('inspectorRoute.path', undefined, ROUTE_OPTIONS.path.takes);
  if (path === metricsRoute) throw badOption('inspectorRoute', path, 'another path than metricsRoute');
  return { path, authorize: authorize as InspectorRoute['authorize'] };
}

/** Answers GET and HEAD of the route with the page, unless the application has a route of this path. */
export function servePage(fastify: FastifyInstance, guard: Guard, { path, authorize }: InspectorRoute): void {
  const source = pageSourceOf(guard);
  let said = false;
  const failed = (error: unknown): void => {
    internalsOf(guard).callbackFailed(error);
    if (said) return;
    said = true;
    fastify.log.error(
      { err: error },
      'close-wait-guard: authorize of inspectorRoute failed, and the page was refused; this is said once',
    );
  };
  const answers = new PageAnswers<FastifyRequest>(() => source.read(), authorize, failed);
  fastify.get(yieldingRoute(path, 1), { schema: HIDDEN }, async (request, reply) => {
    const { status, headers, body } = await answers.answer(askedBy(request.raw), request);
    return reply.code(status).headers(headers).send(body);
  });
}
