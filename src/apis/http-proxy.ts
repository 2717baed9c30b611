import { httpClient } from './http-client.js';
import type { ApiWords } from './words.js';

/** A request that http-proxy makes for a client of this process. */
export const httpProxy: ApiWords = {
  ...httpClient,
  discardResponseBody: 'proxyRes.resume()',
  destroyResponseBody: 'proxyReq.destroy()',
  pipeResponseBody: `proxy.on('proxyReq', (proxyReq, req, res) => res.once('close', () => proxyReq.destroy()))`,
  responseBody: 'proxyRes',
  limitUpstream: `proxyTimeout: ms, and proxy.on('error', (error, req, res) => res.destroy())`,
};
