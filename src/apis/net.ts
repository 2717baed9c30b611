import type { ApiWords } from './words.js';

/** A socket of node:net or node:tls: what every other API stands on. */
export const net: ApiWords = {
  refuseRequest: 'socket.end()',
  endResponse: 'socket.end()',
  closeAfterResponse: 'socket.end()',
  destroyResponse: 'socket.destroy()',
  limitResponse: 'socket.setTimeout(ms, () => socket.destroy())',
  pauseRequestBody: 'socket.pause()',
  resumeRequestBody: 'socket.resume()',
  pipelineRequestBody: 'pipeline(socket, destination, callback)',
  discardFormFile: 'file.resume()',
  limitUpstream: 'upstream.setTimeout(ms, () => socket.destroy())',
  clientErrorListener: `the 'clientError' listener`,
  responseBody: 'socket',
  discardResponseBody: 'socket.resume()',
  destroyResponseBody: 'socket.destroy()',
  pipeResponseBody: 'pipeline(socket, destination, callback)',
  resumeConnection: 'socket.resume()',
  endConnection: 'socket.end()',
  destroyConnection: 'socket.destroy()',
  limitConnection: 'socket.setTimeout(ms, () => socket.destroy())',
};
