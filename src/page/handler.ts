import type { IncomingMessage, ServerResponse } from 'node:http';
import { badArgument } from '../base/errors.js';
import { callback, readOptions } from '../base/options.js';
import { isGuard, type Guard } from '../guard/guard.js';
import { internalsOf } from '../guard/internals.js';
import { PageAnswers, type PageAnswer, type PageRequest } from './answer.js';
import type { Authorize } from './authorize.js';
import type { SocketsPageData } from './data.js';
import { pageSourceOf } from './page-source.js';

/** Options of {@link socketsPage}. */
export interface SocketsPageOptions<Request extends IncomingMessage = IncomingMessage> {
  /**
   * Says who may see the page: `true`, or a promise of it, within 5 s; anything else, a throw or a rejection is 403. It decides in
   * place of the default rule. A page of another origin is refused before it is asked.
   * @default loopback clients: the connection comes from 127.0.0.0/8 or ::1, no proxy's header is on the request, and its Host is
   * localhost, 127.0.0.1 or [::1]. Behind a proxy on this machine that adds no header everybody is such a client: docs/page.md
   */
  authorize?: ((request: Request) => boolean | Promise<boolean>) | undefined;
}

const TAKES = '(request) => boolean or a promise of it';

/** The option that the plugin's `inspectorRoute` has, too. */
export const AUTHORIZE_OPTION = callback<(request: never) => boolean | Promise<boolean>>(TAKES);

/**
 * The page that a person reads: a handler of node:http, Express and whatever has their two arguments, which answers every request
 * that it is given with the open leaks of `guard`, as HTML or JSON. It remembers the last 100 leaks that were closed, from now on.
 * @throws GuardError CWG_ERR_ARGUMENT, CWG_ERR_OPTION
 */
export function socketsPage<Request extends IncomingMessage = IncomingMessage>(
  guard: Guard,
  options: SocketsPageOptions<Request> = {},
): (request: Request, response: ServerResponse) => void {
  if (!isGuard(guard)) throw badArgument('the guard given to socketsPage()', guard, 'what createGuard() returns');
  const { authorize } = readOptions({ authorize: AUTHORIZE_OPTION }, options);
  const source = pageSourceOf(guard);
  return pageHandler(
    () => source.read(),
    authorize as Authorize<Request> | undefined,
    internalsOf(guard).callbackFailed,
  );
}

/**
 * As {@link socketsPage}, of whatever `read` puts together.
 * @param onFailure told what `authorize` threw, and what kept an answer from being given
 */
export function pageHandler<Request extends IncomingMessage>(
  read: () => SocketsPageData | Promise<SocketsPageData>,
  authorize: Authorize<Request> | undefined,
  onFailure: (error: unknown) => void,
): (request: Request, response: ServerResponse) => void {
  const answers = new PageAnswers<Request>(read, authorize, onFailure);
  return (request, response) => {
    answers
      .answer(askedBy(request), request)
      .then((answer) => {
        writeAnswer(answer, request, response);
      })
      .catch((error: unknown) => {
        onFailure(error);
        // The application may have answered meanwhile, by a time-out of its own.
        if (!response.headersSent) response.writeHead(500).end();
      });
  };
}

/** What a message of node:http asks. */
export function askedBy({ method, url, headers, socket }: IncomingMessage): PageRequest {
  return { method, url, headers, remoteAddress: socket.remoteAddress };
}

function writeAnswer(
  { status, headers, body }: PageAnswer,
  { method }: IncomingMessage,
  response: ServerResponse,
): void {
  const length = status === 304 ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  response.writeHead(status, { ...headers, ...length });
  response.end(method === 'HEAD' ? undefined : body);
}
