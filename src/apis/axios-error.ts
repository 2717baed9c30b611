import { axios } from './axios.js';
import type { ApiWords } from './words.js';

/** axios throws on an error status, and the stream is the error's. */
export const axiosError: ApiWords = {
  ...axios,
  responseBody: 'error.response.data',
  discardResponseBody: 'error.response.data.destroy() where axios throws on its status',
  destroyResponseBody: 'error.response.data.destroy()',
  pipeResponseBody: 'pipeline(error.response.data, destination, callback)',
};
