import { http } from './http.js';
import type { ApiWords } from './words.js';

/** A stream of node:http2, on either side. A session's destroy() waits until all is sent, and its socket lets nobody but this end it. */
export const http2: ApiWords = {
  ...http,
  limitResponse: 'session.setTimeout(ms, () => session.socket.resetAndDestroy())',
  destroyConnection: 'session.socket.resetAndDestroy()',
  limitConnection: 'session.setTimeout(ms, () => session.socket.resetAndDestroy())',
};
