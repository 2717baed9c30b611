import { net } from './net.js';
import type { ApiWords } from './words.js';

/** undici's request(). */
export const undici: ApiWords = {
  ...net,
  responseBody: 'body',
  discardResponseBody: 'await body.dump()',
  destroyResponseBody: 'await body.dump()',
  pipeResponseBody: 'pipeline(body, destination, callback)',
};
