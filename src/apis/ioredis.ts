import { net } from './net.js';
import type { ApiWords } from './words.js';

/** ioredis. */
export const ioredis: ApiWords = {
  ...net,
  resumeConnection: 'redis.stream.resume()',
  endConnection: 'redis.disconnect()',
  destroyConnection: 'redis.stream.destroy()',
  limitConnection: 'redis.stream.setTimeout(ms, () => redis.stream.destroy())',
};
