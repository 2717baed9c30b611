import { httpClient } from './http-client.js';
import type { ApiWords } from './words.js';

/** A command of the AWS SDK whose output has a stream. */
export const awsSdk: ApiWords = {
  ...httpClient,
  responseBody: 'output.Body',
  discardResponseBody: 'output.Body.destroy()',
  destroyResponseBody: 'output.Body.destroy()',
  pipeResponseBody: 'pipeline(output.Body, destination, callback)',
};
