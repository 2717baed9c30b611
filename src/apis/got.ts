import { httpClient } from './http-client.js';
import type { ApiWords } from './words.js';

/** got.stream(); otherwise got reads each response itself. */
export const got: ApiWords = {
  ...httpClient,
  responseBody: 'stream',
  discardResponseBody: 'stream.destroy()',
  destroyResponseBody: 'stream.destroy()',
  pipeResponseBody: 'pipeline(stream, destination, callback)',
};
