import { httpClient } from './http-client.js';
import type { ApiWords } from './words.js';

/** With `responseType: 'stream'`; otherwise axios reads each response itself. */
export const axios: ApiWords = {
  ...httpClient,
  responseBody: 'response.data',
  discardResponseBody: 'response.data.destroy()',
  destroyResponseBody: 'response.data.destroy()',
  pipeResponseBody: 'pipeline(response.data, destination, callback)',
};
