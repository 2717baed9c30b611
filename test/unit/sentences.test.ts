import { describe, expect, it } from 'vitest';
import { FRAMEWORKS, LEAK_CAUSES, type LeakCause } from '../../src/base/vocabulary.js';
import type { ReadingState } from '../../src/layers/reading.js';
import type { Cause } from '../../src/leaks/causes/cause.js';
import { CAUSES } from '../../src/leaks/causes/index.js';
import type { LeakFacts } from '../../src/leaks/facts.js';
import { bytes, duration } from '../../src/leaks/phrases.js';
import { sentencesFor } from '../../src/leaks/sentences.js';
import { leakFacts, NO_PEER, type FactsChange } from '../support/leak-facts.js';

const UPLOAD = { server: 'http:8080', method: 'POST', route: '/items/:id' } as const;
const DECLARED = {
  ...UPLOAD,
  takenBytes: 65_483,
  declaredBytes: 160_000,
  http: { contentLength: 160_000, bodyComplete: false },
} as const;
const UNTOUCHED = {
  ...DECLARED,
  takenBytes: 0,
  reading: { how: 'not-touched', waitsFor: undefined, didRead: false },
} as const;
const UPGRADE = {
  server: 'http:8080',
  method: 'GET',
  route: '/feed',
  endedBy: 'nothing',
  http: { responding: false },
} as const;
const OUTBOUND = {
  side: 'outbound',
  server: undefined,
  method: 'GET',
  destination: 'http://prices:8080/today',
  http: { role: 'client' },
} as const;
const HIDDEN_TLS = { reading: true, inHandshake: false, endsItself: false } as const;
const SOCKET = { takenBytes: 5, unreadStreamBytes: 7, endedBy: 'nothing' } as const;

const KEEPER = { pid: 4711, command: 'node keeper.js' } as const;
const SENT = { direction: 'sent', as: 'message', process: KEEPER } as const;

function read(how: ReadingState): Pick<LeakFacts, 'reading'> {
  return { reading: { how, waitsFor: undefined, didRead: true } };
}
const WAITS_FOR_UPSTREAM: Pick<LeakFacts, 'reading' | 'waitsFor'> = {
  waitsFor: 'POST http://upstream:8080/items',
  reading: {
    how: 'destination-stalled',
    didRead: true,
    waitsFor: {
      kind: 'request',
      connected: true,
      method: 'POST',
      url: '/items',
      base: 'http://upstream:8080',
      hostHeader: undefined,
      host: 'upstream',
      encrypted: false,
      remoteAddress: undefined,
      remotePort: undefined,
    },
  },
};
const WAITS_FOR_FORM: Pick<LeakFacts, 'reading' | 'waitsFor'> = {
  waitsFor: 'a file of the form',
  reading: { how: 'destination-stalled', didRead: true, waitsFor: { kind: 'form' } },
};

const SENTENCES: [cause: LeakCause, change: FactsChange, explanation: string, fix: string][] = [
  [
    'request-body-not-read',
    { ...UNTOUCHED, endedBy: 'requestTimeout', endsInMs: 269_000 },
    'POST /items/:id (http:8080) has neither read its request body (0 of 160,000 bytes taken) nor answered; the client left 61 s ago, and Node ends it within 4 min (requestTimeout).',
    `Answer on every path, also when what the handler waits for never comes: res.writeHead(503, { connection: 'close' }).end() when its time is up.`,
  ],
  [
    'request-body-not-read',
    { ...UNTOUCHED, framework: 'fastify', endedBy: 'nothing' },
    'POST /items/:id (http:8080) has neither read its request body (0 of 160,000 bytes taken) nor answered; the client left 61 s ago, and no time-out of Node ends it.',
    `Answer on every path, also when what the handler waits for never comes: reply.code(503).header('connection', 'close').send() (after hijack(): reply.raw.destroy()) when its time is up.`,
  ],
  [
    'request-body-not-read',
    { ...UNTOUCHED, framework: 'koa', declaredBytes: undefined },
    'POST /items/:id (http:8080) has neither read its request body (0 bytes taken) nor answered; the client left 61 s ago.',
    "Answer on every path, also when what the handler waits for never comes: ctx.throw(503, { headers: { connection: 'close' } }) when its time is up.",
  ],
  [
    'request-body-not-read',
    { ...UNTOUCHED, framework: 'restify' },
    'POST /items/:id (http:8080) has neither read its request body (0 of 160,000 bytes taken) nor answered; the client left 61 s ago.',
    `Answer on every path, also when what the handler waits for never comes: res.send(503, '', { connection: 'close' }) when its time is up.`,
  ],
  [
    'request-body-not-read',
    { ...UNTOUCHED, framework: 'hapi' },
    'POST /items/:id (http:8080) has neither read its request body (0 of 160,000 bytes taken) nor answered; the client left 61 s ago.',
    `Answer on every path, also when what the handler waits for never comes: return h.response().code(503).header('connection', 'close') when its time is up.`,
  ],
  [
    'request-body-not-read',
    { ...UNTOUCHED, framework: 'hono' },
    'POST /items/:id (http:8080) has neither read its request body (0 of 160,000 bytes taken) nor answered; the client left 61 s ago.',
    `Answer on every path, also when what the handler waits for never comes: return c.body(null, 503, { connection: 'close' }) when its time is up.`,
  ],
  [
    'request-body-not-read',
    { ...UNTOUCHED, framework: 'express', http: { responseStarted: true } },
    'POST /items/:id (http:8080) has neither read its request body (0 of 160,000 bytes taken) nor ended its response; the client left 61 s ago.',
    'End the response on every path, also when what the handler waits for never comes: res.end().',
  ],
  [
    'request-body-not-read',
    { ...UNTOUCHED, framework: 'fastify', http: { responseStarted: true } },
    'POST /items/:id (http:8080) has neither read its request body (0 of 160,000 bytes taken) nor ended its response; the client left 61 s ago.',
    'End the response on every path, also when what the handler waits for never comes: reply.raw.end().',
  ],
  [
    'request-body-not-read',
    { ...DECLARED, ...read('paused-by-reader') },
    'POST /items/:id (http:8080) has paused its request body (65,483 of 160,000 bytes taken) and not resumed it, and has not answered; the client left 61 s ago.',
    'Call req.resume() after every req.pause(), also when what it waits for fails or never comes.',
  ],
  [
    'request-body-not-read',
    { ...DECLARED, ...read('paused-by-reader'), framework: 'fastify' },
    'POST /items/:id (http:8080) has paused its request body (65,483 of 160,000 bytes taken) and not resumed it, and has not answered; the client left 61 s ago.',
    'Call request.raw.resume() after every request.raw.pause(), also when what it waits for fails or never comes.',
  ],
  [
    'request-body-not-read',
    { ...DECLARED, ...read('paused-by-reader'), framework: 'hapi', takenBytes: undefined, unreadKernelBytes: 9 },
    'POST /items/:id (http:8080) has paused its request body (9 bytes unread) and not resumed it, and has not answered; the client left 61 s ago.',
    'Call request.raw.req.resume() after every request.raw.req.pause(), also when what it waits for fails or never comes.',
  ],
  [
    'request-body-not-read',
    { ...DECLARED, ...WAITS_FOR_UPSTREAM, kind: 'stalled', endedBy: 'requestTimeout', endsInMs: 269_000 },
    'POST /items/:id (http:8080) has read 65,483 of 160,000 bytes of its request body and waits for POST http://upstream:8080/items, which takes no more, and has not answered; the receive window has been full for 61 s, and behind it no FIN of the client can arrive; Node ends it within 4 min (requestTimeout).',
    'Give the upstream request a time-out that also gives up this one: upstream.setTimeout(ms, () => res.destroy()).',
  ],
  [
    'request-body-not-read',
    { ...DECLARED, ...WAITS_FOR_UPSTREAM, framework: 'fastify' },
    'POST /items/:id (http:8080) has read 65,483 of 160,000 bytes of its request body and waits for POST http://upstream:8080/items, which takes no more, and has not answered; the client left 61 s ago.',
    'Give the upstream request a time-out that also gives up this one: upstream.setTimeout(ms, () => reply.raw.destroy()).',
  ],
  [
    'request-body-not-read',
    {
      ...DECLARED,
      framework: 'fastify',
      waitsFor: 'a request of undici',
      reading: { how: 'destination-stalled', didRead: true, waitsFor: { kind: 'undici' } },
    },
    'POST /items/:id (http:8080) has read 65,483 of 160,000 bytes of its request body and waits for a request of undici, which takes no more, and has not answered; the client left 61 s ago.',
    'Give undici a headersTimeout for its request, and give up this one where that fails: reply.raw.destroy().',
  ],
  [
    'request-body-not-read',
    { ...DECLARED, ...read('destination-stalled'), framework: 'koa', takenBytes: undefined },
    'POST /items/:id (http:8080) waits for what it is piped to, which takes no more, and has not answered; the client left 61 s ago.',
    'Limit the time that the body may wait, and give the request up then: ctx.res.destroy().',
  ],
  [
    'request-body-not-read',
    { ...DECLARED, ...WAITS_FOR_FORM },
    'POST /items/:id (http:8080) waits for a file of its form that nobody reads (65,483 of 160,000 bytes taken), and has not answered; the client left 61 s ago.',
    'Read the stream of every file of the form to its end, or discard it: file.resume().',
  ],
  [
    'request-body-not-read',
    { ...DECLARED, ...WAITS_FOR_FORM, framework: 'fastify' },
    'POST /items/:id (http:8080) waits for a file of its form that nobody reads (65,483 of 160,000 bytes taken), and has not answered; the client left 61 s ago.',
    'Read the stream of every file of the form to its end, or discard it: part.file.resume().',
  ],
  [
    'request-body-not-read',
    { ...DECLARED, ...read('web-stream-not-read'), framework: 'hono' },
    'POST /items/:id (http:8080) has a web stream on its request body that is not read on (65,483 of 160,000 bytes taken), and has not answered; the client left 61 s ago.',
    `Answer on every path, also when what the handler waits for never comes: return c.body(null, 503, { connection: 'close' }) when its time is up.`,
  ],
  [
    'request-body-not-read',
    { ...DECLARED, ...read('destination-failed') },
    'POST /items/:id (http:8080) has not answered, and its request body has no reader any more (65,483 of 160,000 bytes taken): what it was piped to has failed, or it was paused; the client left 61 s ago.',
    'Use pipeline(req, destination, (error) => error && res.destroy()) in place of pipe(), or res.destroy() where the destination has closed already.',
  ],
  [
    'request-body-not-read',
    { ...DECLARED, ...read('destination-failed'), framework: 'fastify' },
    'POST /items/:id (http:8080) has not answered, and its request body has no reader any more (65,483 of 160,000 bytes taken): what it was piped to has failed, or it was paused; the client left 61 s ago.',
    'Use pipeline(request.raw, destination, (error) => error && reply.raw.destroy()) in place of pipe(), or reply.raw.destroy() where the destination has closed already.',
  ],
  [
    'request-body-not-read',
    { ...DECLARED, ...read('iterator-stopped') },
    'POST /items/:id (http:8080) reads its request body in a for await loop that asks for no more (65,483 of 160,000 bytes taken), and has not answered; the client left 61 s ago.',
    'Limit the time that the body of the loop may wait, and give the request up then: res.destroy().',
  ],
  [
    'request-body-not-read',
    { ...DECLARED, ...read('readable-left') },
    `POST /items/:id (http:8080) has a 'readable' listener that leaves bytes of the request body in it (65,483 of 160,000 bytes taken), and has not answered; the client left 61 s ago.`,
    `Call read() in the 'readable' listener until it returns null.`,
  ],
  [
    'request-body-not-read',
    { ...DECLARED, stream: { leftToClientErrorListener: true, endBuffered: true } },
    `POST /items/:id (http:8080) was cut off in the middle of its request body (65,483 of 160,000 bytes came), and the server's 'clientError' listener did not close the socket; the client left 61 s ago.`,
    `Call socket.destroy(error) in the 'clientError' listener, on every path.`,
  ],
  [
    'request-body-not-read',
    { ...DECLARED, framework: 'fastify', stream: { leftToClientErrorListener: true, endBuffered: true } },
    `POST /items/:id (http:8080) was cut off in the middle of its request body (65,483 of 160,000 bytes came), and the server's 'clientError' listener did not close the socket; the client left 61 s ago.`,
    'Call socket.destroy(error) in the clientErrorHandler option, on every path.',
  ],
  [
    'request-body-not-read',
    { ...DECLARED, unreadKernelBytes: 5 },
    'POST /items/:id (http:8080) has not read its request body to the end (5 bytes unread) and has not answered; the client left 61 s ago.',
    'When the handler gives up on a body, or waits for too long: res.destroy().',
  ],
  [
    'request-body-abandoned',
    { ...UPLOAD, http: { responding: false }, unreadKernelBytes: 3, endedBy: 'keepAliveTimeout', endsInMs: 4_400 },
    'POST /items/:id (http:8080) was answered before its request body had been read (at least 3 bytes left), and its connection was kept for a next request; the client left 61 s ago, and Node ends it within 4.4 s (keepAliveTimeout).',
    `Send Connection: close with the response that gives up on a body: res.setHeader('connection', 'close').`,
  ],
  [
    'request-body-abandoned',
    { ...UPLOAD, http: { responding: false }, framework: 'fastify', endedBy: 'nothing' },
    'POST /items/:id (http:8080) was answered before its request body had been read, and its connection was kept for a next request; the client left 61 s ago, and no time-out of Node ends it.',
    `Send Connection: close with the response that gives up on a body: reply.header('connection', 'close').`,
  ],
  [
    'request-body-abandoned',
    { ...UPLOAD, http: { responding: false }, framework: 'koa' },
    'POST /items/:id (http:8080) was answered before its request body had been read, and its connection was kept for a next request; the client left 61 s ago.',
    'Send Connection: close with the response that gives up on a body: ctx.res.shouldKeepAlive = false.',
  ],
  [
    'response-not-ended',
    { ...UPLOAD, http: {}, endedBy: 'nothing' },
    'POST /items/:id (http:8080) has not answered, and httpAllowHalfOpen keeps the connection of a client that has left; the client left 61 s ago, and no time-out of Node ends it.',
    'Limit the time in which nothing is sent, and give the response up then: res.setTimeout(ms, () => res.destroy()).',
  ],
  [
    'response-not-ended',
    {
      ...UPLOAD,
      http: { responseStarted: true },
      framework: 'fastify',
      unsentBytes: 12,
      endedBy: 'timeout',
      endsInMs: 30_000,
    },
    'POST /items/:id (http:8080) has not ended its response (12 bytes not delivered), and httpAllowHalfOpen keeps the connection of a client that has left; the client left 61 s ago, and Node ends it within 30 s (socket time-out).',
    'Limit the time in which nothing is sent, and give the response up then: reply.raw.setTimeout(ms, () => reply.raw.destroy()).',
  ],
  [
    'pipelined-behind-pending-response',
    { ...UPLOAD, http: { lastPipelined: 'GET /c' }, endedBy: 'nothing' },
    'POST /items/:id (http:8080) has not been answered, and holds back the responses to later requests of the same connection, the last of them GET /c; the client left 61 s ago, and no time-out of Node ends it.',
    'End the first response on every path: res.end().',
  ],
  [
    'pipelined-behind-pending-response',
    { ...UPLOAD, http: { responseStarted: true }, framework: 'fastify', unsentBytes: 9 },
    'POST /items/:id (http:8080) has not ended its response (9 bytes not delivered), and holds back the responses to later requests of the same connection; the client left 61 s ago.',
    'End the first response on every path: reply.raw.end().',
  ],
  [
    'write-stalled',
    { unsentBytes: 2_000_000, endedBy: 'nothing' },
    'The connection to net:4025 from 10.0.0.7:51000 was ended, and the peer does not take its last bytes (2,000,000 bytes not delivered); the client left 61 s ago, and no time-out of Node ends it.',
    'Give up on a peer that has stopped reading: socket.setTimeout(ms, () => socket.destroy()).',
  ],
  [
    'write-stalled',
    { ...UPLOAD, http: { needsDrain: true }, unsentBytes: 5 },
    'The response to POST /items/:id (http:8080) waits for the client to take its bytes (5 bytes not delivered); the client left 61 s ago.',
    'Give up on a peer that has stopped reading: res.setTimeout(ms, () => res.destroy()).',
  ],
  [
    'write-stalled',
    { ...UPLOAD, http: { responseStarted: true, responseEnded: true }, unsentBytes: 5 },
    'The response to POST /items/:id (http:8080) was ended, and the client does not take its last bytes (5 bytes not delivered); the client left 61 s ago.',
    'Give up on a peer that has stopped reading: res.setTimeout(ms, () => res.destroy()).',
  ],
  [
    'write-stalled',
    { ...UPLOAD, stream: { readByHttp: true }, http: { responding: false }, unsentBytes: 5 },
    'The response to POST /items/:id (http:8080) was ended, and the client does not take its last bytes (5 bytes not delivered); the client left 61 s ago.',
    'Give up on a peer that has stopped reading: res.setTimeout(ms, () => res.destroy()).',
  ],
  [
    'write-stalled',
    { ...UPGRADE, unsentBytes: 5 },
    'The connection of GET /feed (http:8080) was ended, and the client does not take its last bytes (5 bytes not delivered); the client left 61 s ago, and no time-out of Node ends it.',
    'Give up on a peer that has stopped reading: socket.setTimeout(ms, () => socket.destroy()).',
  ],
  [
    'write-stalled',
    { ...UPGRADE, stream: { webSocket: { paused: false, readerUnseen: false } }, unsentBytes: 5 },
    'The WebSocket of GET /feed (http:8080) was ended, and the peer does not take its last bytes (5 bytes not delivered); the client left 61 s ago, and no time-out of Node ends it.',
    "Give up on a peer that has stopped reading: ws.ping() now and then, and ws.terminate() where no 'pong' has come by the next time.",
  ],
  [
    'write-stalled',
    { ...OUTBOUND, http: { role: 'client', needsDrain: true, moreStreams: 0 }, unsentBytes: 5 },
    'GET http://prices:8080/today waits for the server to take its bytes (5 bytes not delivered); the server left 61 s ago.',
    'Give up on a peer that has stopped reading: session.setTimeout(ms, () => session.socket.resetAndDestroy()).',
  ],
  [
    'half-open-not-ended',
    { ...UPGRADE, stream: { written: false } },
    'GET /feed (http:8080) asked for an upgrade and has had no answer; the client left 61 s ago, and no time-out of Node ends it.',
    `Call socket.destroy() in the 'upgrade' listener on every path that does not take the connection over, also when what it waits for never comes.`,
  ],
  [
    'half-open-not-ended',
    { ...UPGRADE, method: 'CONNECT', route: 'db:5432', stream: { written: false }, unreadStreamBytes: 3 },
    'CONNECT db:5432 (http:8080) asked for a tunnel and has had no answer (3 bytes unread); the client left 61 s ago, and no time-out of Node ends it.',
    `Call socket.destroy() in the 'connect' listener on every path that does not take the connection over, also when what it waits for never comes.`,
  ],
  [
    'half-open-not-ended',
    { ...UPGRADE, unsentBytes: 3 },
    'GET /feed (http:8080) asked for an upgrade, was answered (3 bytes not delivered) and read to its end, and was never ended on this side; the client left 61 s ago, and no time-out of Node ends it.',
    `Call socket.end() in the socket's 'end' listener: http does not end a socket that it gave to 'upgrade'.`,
  ],
  [
    'half-open-not-ended',
    { stream: { allowHalfOpen: true }, endedBy: 'nothing' },
    'The connection to net:4025 from 10.0.0.7:51000 was read to its end and never ended on this side, which allowHalfOpen: true leaves to the application; the client left 61 s ago, and no time-out of Node ends it.',
    `Call socket.end() in the socket's 'end' listener.`,
  ],
  [
    'half-open-not-ended',
    { server: 'http:8080', stream: { leftToClientErrorListener: true } },
    `The connection to http:8080 from 10.0.0.7:51000 sent an incomplete or invalid request, and the server's 'clientError' listener did not close the socket; the client left 61 s ago.`,
    `Call socket.destroy(error) in the 'clientError' listener, on every path.`,
  ],
  [
    'half-open-not-ended',
    { server: 'https:443', stream: { hiddenTls: { ...HIDDEN_TLS, inHandshake: true } } },
    'The connection to https:443 from 10.0.0.7:51000 never finished its TLS handshake and was not closed on this side; the client left 61 s ago.',
    `Call socket.destroy(), not end(), in the server's 'tlsClientError' listener ('clientError' of an https server), which is called after handshakeTimeout, 120 s where it is not set.`,
  ],
  [
    'half-open-not-ended',
    { side: 'outbound', server: undefined, stream: { secureConnecting: true } },
    'The connection to 10.0.0.7:51000 never finished its TLS handshake and was not closed on this side; the server left 61 s ago.',
    'Call socket.destroy(), not end(), when the handshake takes too long.',
  ],
  [
    'half-open-not-ended',
    { stream: { hiddenTls: HIDDEN_TLS } },
    'The connection to net:4025 from 10.0.0.7:51000 carries TLS, which has taken all that came, and was never ended on this side; the client left 61 s ago.',
    `Read the TLS socket to its end, and call socket.end() in its 'end' listener.`,
  ],
  [
    'half-open-not-ended',
    {},
    'The connection to net:4025 from 10.0.0.7:51000 was read to its end and never ended on this side; the client left 61 s ago.',
    `Call socket.end() in its 'end' listener.`,
  ],
  [
    'never-read',
    { ...SOCKET },
    `Nothing ever read the connection to net:4025 from 10.0.0.7:51000: it has no 'data' or 'readable' listener, no pipe and no iterator (7 bytes unread); the client left 61 s ago, and no time-out of Node ends it.`,
    'Read the socket, or discard what it sends: socket.resume().',
  ],
  [
    'paused',
    { ...SOCKET, stream: { pausedOnConnect: true } },
    'The connection to net:4025 from 10.0.0.7:51000 was accepted paused (pauseOnConnect) and has not been resumed (7 bytes unread); the client left 61 s ago, and no time-out of Node ends it.',
    'Call socket.resume() on every connection that pauseOnConnect has paused, or socket.destroy() where nobody takes it.',
  ],
  [
    'paused',
    { ...SOCKET, ...read('paused-by-reader') },
    'The connection to net:4025 from 10.0.0.7:51000 was paused after 5 bytes and not resumed (7 bytes unread); the client left 61 s ago, and no time-out of Node ends it.',
    'Call socket.resume() after every pause(), also when what it waits for fails or never comes.',
  ],
  [
    'paused',
    { ...SOCKET, ...read('readable-left') },
    `The connection to net:4025 from 10.0.0.7:51000 has a 'readable' listener that leaves bytes in it (7 bytes unread); the client left 61 s ago, and no time-out of Node ends it.`,
    `Call socket.read() in the 'readable' listener until it returns null.`,
  ],
  [
    'paused',
    { ...SOCKET, ...read('iterator-stopped') },
    'The connection to net:4025 from 10.0.0.7:51000 is read by a for await loop that asks for no more (7 bytes unread); the client left 61 s ago, and no time-out of Node ends it.',
    'Limit the time that the body of the loop may wait: socket.setTimeout(ms, () => socket.destroy()).',
  ],
  [
    'paused',
    { ...SOCKET, ...read('destination-stalled'), waitsFor: 'the connection to db:5432' },
    'The connection to net:4025 from 10.0.0.7:51000 was read (5 bytes) and waits for the connection to db:5432, which takes no more (7 bytes unread); the client left 61 s ago, and no time-out of Node ends it.',
    'Let what it is piped to take it (call its callback, read it), or give up on it after a time-out: socket.setTimeout(ms, () => socket.destroy()).',
  ],
  [
    'paused',
    { ...SOCKET, ...read('destination-failed') },
    'The connection to net:4025 from 10.0.0.7:51000 has no reader any more (5 bytes taken): what it was piped to has failed, or it was paused (7 bytes unread); the client left 61 s ago, and no time-out of Node ends it.',
    'Use pipeline(socket, destination, callback) in place of pipe(), or socket.destroy() where the destination has closed already; after a pause() socket.resume().',
  ],
  [
    'paused',
    { ...UPGRADE, stream: { webSocket: { paused: true, readerUnseen: false } }, unreadStreamBytes: 7 },
    'The WebSocket of GET /feed (http:8080) is paused and was not resumed (7 bytes unread); the client left 61 s ago, and no time-out of Node ends it.',
    'Call ws.resume() after every ws.pause(), also when what it waits for fails or never comes.',
  ],
  [
    'paused',
    { ...UPGRADE, stream: { webSocket: { paused: true, readerUnseen: true } }, unreadStreamBytes: 7 },
    'The WebSocket of GET /feed (http:8080) waits for its stream to be read (7 bytes unread); the client left 61 s ago, and no time-out of Node ends it.',
    'Read the stream of createWebSocketStream() to its end, or give it up: duplex.destroy().',
  ],
  [
    'paused',
    { ...UPGRADE, stream: { webSocket: { paused: false, readerUnseen: false } } },
    'The WebSocket of GET /feed (http:8080) holds what nobody takes from it; the client left 61 s ago, and no time-out of Node ends it.',
    'Give up a WebSocket that is not read: ws.terminate().',
  ],
  [
    'paused',
    { stream: { hiddenTls: HIDDEN_TLS, encrypted: true }, unreadKernelBytes: 9 },
    'The connection to net:4025 from 10.0.0.7:51000 carries TLS that is paused or not read (9 bytes of TLS unread); the client left 61 s ago.',
    'Call socket.resume() after every pause(), also when what it waits for fails or never comes.',
  ],
  [
    'paused',
    { stream: { encrypted: true }, unreadKernelBytes: 9, unreadStreamBytes: 4 },
    'The connection to net:4025 from 10.0.0.7:51000 is paused and was not resumed (at least 4 bytes unread); the client left 61 s ago.',
    'Call socket.resume() after every pause(), also when what it waits for fails or never comes.',
  ],
  [
    'response-body-not-read',
    { ...OUTBOUND, unreadKernelBytes: 1 },
    'The response of GET http://prices:8080/today was never read to its end (1 byte unread); the server left 61 s ago.',
    'Read every response to its end, or give it up where it is not wanted: destroy it.',
  ],
  [
    'response-body-not-read',
    { ...OUTBOUND, requestedBy: 'POST /checkout', stack: 'at prices (/app/prices.js:3:4)\nat checkout' },
    'The response of GET http://prices:8080/today, asked for by POST /checkout (at prices (/app/prices.js:3:4)), was never read to its end; the server left 61 s ago.',
    'Read every response to its end, or give it up where it is not wanted: destroy it.',
  ],
  [
    'detached-handle',
    {},
    'The connection to net:4025 from 10.0.0.7:51000 lost its JS socket, and its fd was left open; the client left 61 s ago.',
    'Close the handle you took off the socket (handle.close()).',
  ],
  [
    'not-owned-by-this-thread',
    { side: 'unknown', server: undefined },
    'The connection with 10.0.0.7:51000 (fd 23) belongs to no JS socket of this thread; the peer left 61 s ago.',
    "Call import('close-wait-guard/register') first in each worker thread: the guard in there says which code has the socket; without workers, look in native addons.",
  ],
  [
    'held-by-another-process',
    {},
    'The connection to net:4025 from 10.0.0.7:51000 is closed here and still open in another process; the client left 61 s ago.',
    'Close it in the process that holds it; a socket given to a child as stdio or with child.send(…, { keepOpen: true }) stays open there.',
  ],
  [
    'held-by-another-process',
    {
      ...{ side: 'unknown', server: undefined, fd: -1, heldBy: 'other-process', unreadKernelBytes: 2 },
      holder: { pid: 7, command: 'sleep' },
    },
    'The connection with 10.0.0.7:51000 is closed here and still open in process 7 (sleep) (2 bytes unread); the peer left 61 s ago.',
    'Close it in the process that holds it; a socket given to a child as stdio or with child.send(…, { keepOpen: true }) stays open there.',
  ],
  [
    'held-by-another-process',
    { fd: -1, heldBy: 'other-process', holder: KEEPER, transferred: SENT },
    'The connection to net:4025 from 10.0.0.7:51000 was sent to process 4711 (node keeper.js), closed here, and is still open there; the client left 61 s ago.',
    'Read the socket in process 4711 (node keeper.js), or call socket.destroy() there: here it is gone, and nothing more can be done with it.',
  ],
  [
    'held-by-another-process',
    { fd: -1, heldBy: 'other-process', holder: KEEPER, transferred: { ...SENT, as: 'stdio' } },
    'The connection to net:4025 from 10.0.0.7:51000 was given as stdio to process 4711 (node keeper.js), closed here, and is still open there; the client left 61 s ago.',
    "Give process 4711 (node keeper.js) 'pipe' in its stdio in place of the socket, join the two with child.stdout.pipe(socket.resume()), and call child.kill() in the socket's 'close' listener: what a child has as stdio is open until it ends.",
  ],
  [
    'detached-handle',
    { heldBy: 'lost-socket', transferred: SENT, unreadKernelBytes: 5 },
    'The connection to net:4025 from 10.0.0.7:51000 was sent to process 4711 (node keeper.js), which has not taken it, and its fd is still open here (5 bytes unread); the client left 61 s ago.',
    'Find what blocks the event loop of process 4711 (node keeper.js), or end it; send with child.send(message, socket, { keepOpen: true }, () => socket.destroy()), so that none of what it never takes stays open here.',
  ],
  [
    'never-read',
    { transferred: SENT },
    `Nothing ever read the connection to net:4025 from 10.0.0.7:51000 sent to process 4711 (node keeper.js): it has no 'data' or 'readable' listener, no pipe and no iterator; the client left 61 s ago.`,
    'Call socket.destroy() in the callback of child.send(…, { keepOpen: true }): process 4711 (node keeper.js) has the socket, and reading it here would take its bytes.',
  ],
  [
    'never-read',
    { server: undefined, transferred: { direction: 'received', as: 'message', process: KEEPER } },
    `Nothing ever read the connection from 10.0.0.7:51000 received from process 4711 (node keeper.js): it has no 'data' or 'readable' listener, no pipe and no iterator; the client left 61 s ago.`,
    "Read every socket that the 'message' listener is given, or end it where no branch takes it: socket.destroy().",
  ],
  [
    'never-read',
    { transferred: { direction: 'received', as: 'message', process: KEEPER } },
    `Nothing ever read the connection to net:4025 from 10.0.0.7:51000 received from process 4711 (node keeper.js): it has no 'data' or 'readable' listener, no pipe and no iterator; the client left 61 s ago.`,
    'Read the socket, or discard what it sends: socket.resume().',
  ],
  [
    'paused',
    { server: undefined, transferred: { direction: 'received', as: 'stdio', process: { pid: 7, command: undefined } } },
    'The connection from 10.0.0.7:51000 received from process 7 is paused and was not resumed; the client left 61 s ago.',
    'Call socket.resume() after every pause(), also when what it waits for fails or never comes.',
  ],
  [
    'request-body-not-read',
    { ...UNTOUCHED, transferred: { ...SENT, direction: 'received' } },
    'POST /items/:id (http:8080) on a connection received from process 4711 (node keeper.js) has neither read its request body (0 of 160,000 bytes taken) nor answered; the client left 61 s ago.',
    `Answer on every path, also when what the handler waits for never comes: res.writeHead(503, { connection: 'close' }).end() when its time is up.`,
  ],
  [
    'unknown',
    { server: undefined, endpoints: NO_PEER },
    'The connection is still open in this process; the client left 61 s ago.',
    `Destroy the socket when its peer leaves: socket.destroy() in its 'end', 'close' or time-out handling.`,
  ],
];

describe('the sentences', () => {
  it.each(SENTENCES)('of %s, %o', (cause, change, explanation, fix) => {
    expect(sentencesFor(cause, leakFacts(change))).toMatchObject({ explanation, fix });
  });

  it('are tested for every cause and every reason', () => {
    expect(new Set(SENTENCES.map(([cause]) => cause))).toEqual(new Set(LEAK_CAUSES));
    const told = LEAK_CAUSES.filter((cause) => cause !== 'response-body-not-read').flatMap((name) =>
      ((CAUSES[name] as Cause).reasons ?? []).map((reason) => `${name}: ${reason.name}`),
    );
    const tested = SENTENCES.map(([cause, change]) => `${cause}: ${sentencesFor(cause, leakFacts(change)).reason}`);
    expect(told.filter((reason) => !tested.includes(reason))).toEqual([]);
  });

  it.each(LEAK_CAUSES)('of %s are one each, whatever API they are told for', (cause) => {
    for (const framework of [undefined, ...FRAMEWORKS])
      for (const http of [{}, { role: 'client' }, undefined] as const) {
        const { explanation, fix } = sentencesFor(cause, leakFacts({ framework, ...(http && { http }) }));
        expect(explanation).toMatch(/^[A-Z].*\.$/);
        expect(fix).toMatch(/^[A-Z].*\.$/);
      }
  });
});

describe('the explanation', () => {
  it.each<[string, FactsChange, string]>([
    [
      'a RST after the FIN',
      { kind: 'reset', aborted: true, idleMs: 2_000 },
      'the client left 61 s ago, and the connection has been reset since.',
    ],
    ['a RST', { kind: 'reset', aborted: true }, 'the connection was reset 61 s ago.'],
    [
      'a connection both ends have closed',
      { kind: 'reset' },
      'both ends have closed the connection 61 s ago and only the fd is left.',
    ],
    [
      'a full window',
      { kind: 'stalled' },
      'the receive window has been full for 61 s, and behind it no FIN of the client can arrive.',
    ],
    ['a socket of nobody', { side: 'unknown' }, 'the peer left 61 s ago.'],
  ])('ends with what happened: %s', (_name, change, ending) => {
    for (const cause of LEAK_CAUSES) {
      expect(sentencesFor(cause, leakFacts(change)).explanation).toMatch(
        new RegExp(`; ${ending.replace(/\./g, '\\.')}$`),
      );
    }
  });

  it('names an outbound socket by what it is known by', () => {
    const outbound = leakFacts({ side: 'outbound', server: undefined });
    expect(sentencesFor('paused', outbound).explanation).toMatch(/^The connection to 10\.0\.0\.7:51000 is paused/);
    expect(sentencesFor('paused', { ...outbound, destination: 'db:5432' }).explanation).toMatch(
      /^The connection to db:5432 is/,
    );
    expect(sentencesFor('paused', { ...outbound, endpoints: NO_PEER }).explanation).toMatch(
      /^The connection to its peer is/,
    );
    expect(sentencesFor('paused', { ...outbound, method: 'GET' }).explanation).toMatch(/^GET an outbound request is/);
  });
});

describe('numbers in sentences', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [65_536, '65,536 bytes'],
  ])('%i bytes', (count, text) => {
    expect(bytes(count)).toBe(text);
  });

  it.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [1_000, '1.0 s'],
    [9_940, '9.9 s'],
    [61_400, '61 s'],
    [119_999, '120 s'],
    [120_000, '2 min'],
    [7_199_000, '120 min'],
    [7_200_000, '2.0 h'],
    [90_000_000, '25.0 h'],
  ])('%d ms', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});
