import { net } from './net.js';
import type { ApiWords } from './words.js';

/** undici's request(). */
export const undici: ApiWords = {
  ...net,
  discardResponseBody: 'await body.dump()',
};
