import { http } from './http.js';
import type { ApiWords } from './words.js';

export const fastify: ApiWords = {
  ...http,
  discardRequestBody: 'request.raw.resume()',
  endResponse: 'end the reply',
};
