import { net } from './net.js';
import type { ApiWords } from './words.js';

/** The global fetch(), and that of undici: a response whose body nobody has begun to read. */
export const fetch: ApiWords = {
  ...net,
  responseBody: 'response.body',
  discardResponseBody: 'await response.body.cancel(), also that of a clone()',
  destroyResponseBody: 'await response.body.cancel()',
  pipeResponseBody: 'await response.body.pipeTo(destination)',
};
