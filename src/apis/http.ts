import { net } from './net.js';
import type { ApiWords } from './words.js';

/** A server of node:http or node:https. */
export const http: ApiWords = {
  ...net,
  discardRequestBody: 'req.resume()',
  endResponse: 'end the response',
};
