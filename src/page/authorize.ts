import { clearTimeout, setTimeout } from 'node:timers';
import { refusedOrigin, refusedPeer, type Asked } from './access.js';

/** Says whether a request may see the page: `true`, or a promise of it. Anything else is no. */
export type Authorize<Request> = (request: Request) => unknown;

/** How long `authorize` may take, ms: a page about sockets that are not closed must not keep one open. */
const AUTHORIZE_MS = 5_000;

const NOT_AUTHORIZED = 'authorize did not let this request in.';

/**
 * Why this request is refused, as a sentence; undefined where it may see the page. Never throws or rejects.
 * @param authorize decides in place of the loopback rule, where there is one
 * @param onFailure told what `authorize` threw or was rejected with, and when it takes too long: no is the answer then
 */
export async function refusalOf<Request>(
  asked: Asked,
  request: Request,
  authorize: Authorize<Request> | undefined,
  onFailure: (error: unknown) => void,
): Promise<string | undefined> {
  const foreign = refusedOrigin(asked);
  if (foreign !== undefined) return foreign;
  if (!authorize) return refusedPeer(asked);
  try {
    return (await inTime(authorize(request))) === true ? undefined : NOT_AUTHORIZED;
  } catch (error) {
    onFailure(error);
    return NOT_AUTHORIZED;
  }
}

async function inTime(answer: unknown): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`authorize has not answered for ${AUTHORIZE_MS} ms`));
    }, AUTHORIZE_MS).unref();
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
