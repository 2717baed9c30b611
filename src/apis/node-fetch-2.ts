import { nodeFetch } from './node-fetch.js';
import type { ApiWords } from './words.js';

/** node-fetch 2 pipes the message into the body, so that the message outlives a body that is destroyed. */
export const nodeFetch2: ApiWords = {
  ...nodeFetch,
  discardResponseBody: 'response.body.resume()',
  destroyResponseBody: 'controller.abort() of the signal that the request was given',
};
