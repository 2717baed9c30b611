import { undici } from './undici.js';
import type { ApiWords } from './words.js';

/** undici's stream(): it writes into a writable of the application's. */
export const undiciStream: ApiWords = {
  ...undici,
  responseBody: `the writable that the factory of stream() returned`,
  discardResponseBody: `destroy the writable that the factory of stream() returned`,
  destroyResponseBody: `destroy the writable that the factory of stream() returned`,
};
