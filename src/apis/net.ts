import type { ApiWords } from './words.js';

/** A socket of node:net or node:tls: what every other API stands on. */
export const net: ApiWords = {
  discardRequestBody: 'socket.resume()',
  endResponse: 'end the socket',
  responseBody: 'socket',
  discardResponseBody: 'socket.resume()',
  destroyResponseBody: 'socket.destroy()',
  pipeResponseBody: 'pipeline(socket, destination, callback)',
  resumeConnection: 'socket.resume()',
  endConnection: 'socket.end()',
  destroyConnection: 'socket.destroy()',
};
