import { http } from './http.js';
import type { ApiWords } from './words.js';

/** Its `req` and `res` are those of node:http, and what is said of these is as good where nobody has told Express. */
export const express: ApiWords = {
  ...http,
  discardFormFile: 'file.resume() (in a storage engine of multer: file.stream.resume())',
};
