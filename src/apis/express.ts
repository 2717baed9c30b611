import { http } from './http.js';
import type { ApiWords } from './words.js';

/** Its `req` and `res` are those of node:http. */
export const express: ApiWords = { ...http };
