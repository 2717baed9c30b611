import { http } from './http.js';
import type { ApiWords } from './words.js';

export const koa: ApiWords = {
  ...http,
  discardRequestBody: 'ctx.req.resume()',
};
