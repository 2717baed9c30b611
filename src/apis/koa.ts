import { http } from './http.js';
import type { ApiWords } from './words.js';

/** Koa takes the headers of `ctx` off again where it answers an error itself, but for the error's own. */
export const koa: ApiWords = {
  ...http,
  refuseRequest: `ctx.throw(503, { headers: { connection: 'close' } })`,
  endResponse: 'ctx.res.end()',
  closeAfterResponse: 'ctx.res.shouldKeepAlive = false',
  destroyResponse: 'ctx.res.destroy()',
  limitResponse: 'ctx.res.setTimeout(ms, () => ctx.res.destroy())',
  pauseRequestBody: 'ctx.req.pause()',
  resumeRequestBody: 'ctx.req.resume()',
  pipelineRequestBody: 'pipeline(ctx.req, destination, (error) => error && ctx.res.destroy())',
  limitUpstream: 'upstream.setTimeout(ms, () => ctx.res.destroy())',
};
