import { net } from './net.js';
import type { ApiWords } from './words.js';

const LIMIT = `ws.ping() now and then, and ws.terminate() where no 'pong' has come by the next time`;

/** A WebSocket of the package ws. */
export const ws: ApiWords = {
  ...net,
  resumeConnection: 'ws.resume()',
  endConnection: 'ws.close()',
  destroyConnection: 'ws.terminate()',
  // A time-out of the socket would end those that are only quiet.
  limitResponse: LIMIT,
  limitConnection: LIMIT,
};
