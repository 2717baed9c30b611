// What is wrong with a socket, as the JS objects above it show it, and the cause that a report must name then.
import net from 'node:net';

export const SERVERS = [new net.Server(), new net.Server()];

/** The stream above a socket, with the properties that Node has there. */
export class JsSocket {
  destroyed = false;
  readableLength = 0;
  writableLength = 0;
  bytesRead = 0;
  bytesWritten = 0;
  readableFlowing = true;
  readableEnded = false;
  writableEnded = false;
  allowHalfOpen = false;
  parser = null;
  _httpMessage = null;
  _paused = false;
  server = undefined;
  _readableState = { pipes: [], length: 0, ended: false };
  _handle;

  constructor(fd) {
    this._handle = { fd, reading: true, close() {} };
  }

  /** Somebody listens for data, but on a socket that was never read. */
  listenerCount(event) {
    return event === 'data' && this.readableFlowing !== null ? 1 : 0;
  }
}

/** A message of http, which holds back bytes of its own. */
class JsMessage {
  method = 'POST';
  url = '/upload';
  headers = {};
  complete;
  readableLength = 0;
  readableEnded = false;
  _readableState = { pipes: [], length: 0, ended: false };

  constructor(complete) {
    this.complete = complete;
  }

  listenerCount() {
    return 0;
  }
}

/** The server's response to a message. */
class JsResponse {
  req;
  headersSent = false;
  writableEnded = false;
  writableNeedDrain = false;

  constructor(req) {
    this.req = req;
  }

  writeHead() {}
}

/** A request that this process makes. */
class JsClientRequest {
  method = 'GET';
  path = '/items';
  protocol = 'http:';
  reusedSocket = true;
  res;

  constructor(res) {
    this.res = res;
  }

  getHeader() {
    return 'stock.test';
  }
}

/** What a socket is piped to: a Transform, and behind it the socket of somebody who reads slowly. */
export class JsPipe {
  readableLength = 0;
  writableLength = 0;
  passed = 0;
  sink;
  _readableState;

  constructor(sinkFd) {
    this.sink = { writableLength: 0, _handle: { fd: sinkFd } };
    this._readableState = { pipes: [this.sink], length: 0 };
  }
}

/** A message that is being answered. */
function answered(js, complete, change) {
  const message = new JsMessage(complete);
  js.parser = { incoming: message };
  js._httpMessage = Object.assign(new JsResponse(message), change);
  return message;
}

/** `fall` puts it on a JS socket and returns the message that has a buffer of its own, where there is one. */
export const DISEASES = [
  { cause: 'never-read', fall: (js) => void (js.readableFlowing = null) },
  { cause: 'paused', fall: (js) => void (js.readableFlowing = false) },
  {
    cause: 'half-open-not-ended',
    fall: (js) => void Object.assign(js, { readableEnded: true, allowHalfOpen: true, bytesWritten: 5 }),
  },
  {
    cause: 'write-stalled',
    fall: (js) => void Object.assign(js, { readableEnded: true, writableEnded: true, writableLength: 7 }),
  },
  { cause: 'unknown', fall: () => undefined },
  { cause: 'request-body-not-read', fall: (js) => answered(js, false, {}) },
  { cause: 'response-not-ended', fall: (js) => answered(js, true, { headersSent: true }) },
  {
    cause: 'request-body-abandoned',
    fall: (js) => {
      js.parser = { incoming: new JsMessage(false) };
    },
  },
  {
    cause: 'pipelined-behind-pending-response',
    fall: (js) => {
      js._paused = true;
      return answered(js, true, {});
    },
  },
  {
    cause: 'write-stalled',
    fall: (js) => {
      js.writableLength = 7;
      return answered(js, true, { headersSent: true, writableNeedDrain: true });
    },
  },
  {
    cause: 'response-body-not-read',
    isOutbound: true,
    fall: (js) => {
      const response = new JsMessage(false);
      js._httpMessage = new JsClientRequest(response);
      return response;
    },
  },
];

/** The cause of the leaks that the rule of `ignore` fits. */
export const IGNORED_CAUSE = 'paused';
