import { net } from './net.js';
import type { ApiWords } from './words.js';

/** A request of node:http or node:https: http.request(), http.get(). */
export const httpClient: ApiWords = {
  ...net,
  responseBody: 'response',
  discardResponseBody: 'response.resume()',
  destroyResponseBody: 'response.destroy()',
  pipeResponseBody: 'pipeline(response, destination, callback)',
};
