import { httpClient } from './http-client.js';
import type { ApiWords } from './words.js';

/** The package node-fetch, 3 and later: a body is a stream of Node. */
export const nodeFetch: ApiWords = {
  ...httpClient,
  responseBody: 'response.body',
  discardResponseBody: 'response.body.destroy()',
  destroyResponseBody: 'response.body.destroy()',
  pipeResponseBody: 'pipeline(response.body, destination, callback)',
};
