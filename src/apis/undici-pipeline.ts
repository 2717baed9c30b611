import { undici } from './undici.js';
import type { ApiWords } from './words.js';

/** undici's pipeline(): a Duplex, from which the response is read. */
export const undiciPipeline: ApiWords = {
  ...undici,
  responseBody: `the stream that pipeline() returned`,
  discardResponseBody: `resume() on the stream that pipeline() returned`,
  destroyResponseBody: `destroy() on the stream that pipeline() returned, which then emits 'error'`,
};
