import { httpClient } from './http-client.js';
import type { ApiWords } from './words.js';

/** got.stream(); otherwise got reads each response itself. */
export const got: ApiWords = {
  ...httpClient,
  discardResponseBody: 'stream.destroy()',
};
