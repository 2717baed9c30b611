import { net } from './net.js';
import type { ApiWords } from './words.js';

/** An HTTP client, and the facts do not tell which: nothing that only one of them has. */
export const unknownClient: ApiWords = {
  ...net,
  responseBody: 'the response',
  discardResponseBody: 'destroy it',
  destroyResponseBody: 'destroy it',
  pipeResponseBody: 'stream.pipeline() instead of pipe()',
};
