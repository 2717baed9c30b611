import { net } from './net.js';
import type { ApiWords } from './words.js';

/** A WebSocket of the package ws. */
export const ws: ApiWords = {
  ...net,
  resumeConnection: 'ws.resume()',
  endConnection: 'ws.close()',
  destroyConnection: 'ws.terminate()',
};
