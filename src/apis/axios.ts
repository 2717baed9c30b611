import { httpClient } from './http-client.js';
import type { ApiWords } from './words.js';

/** With `responseType: 'stream'`; otherwise axios reads each response itself. */
export const axios: ApiWords = {
  ...httpClient,
  discardResponseBody: 'response.data.destroy()',
};
