import { net } from './net.js';
import type { ApiWords } from './words.js';

/** The global fetch(), and that of undici. */
export const fetch: ApiWords = {
  ...net,
  discardResponseBody: 'await response.body.cancel()',
};
