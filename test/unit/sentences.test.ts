import { describe, expect, it } from 'vitest';
import { LEAK_CAUSES, type LeakCause } from '../../src/base/vocabulary.js';
import type { LeakFacts } from '../../src/leaks/facts.js';
import { bytes, duration } from '../../src/leaks/phrases.js';
import { sentencesFor } from '../../src/leaks/sentences.js';
import { leakFacts, NO_PEER, type FactsChange } from '../support/leak-facts.js';

const UPLOAD = { server: 'http:8080', method: 'POST', route: '/items/:id' } as const;
const OUTBOUND = {
  side: 'outbound',
  server: undefined,
  method: 'GET',
  destination: 'http://prices:8080/today',
} as const;

/** How a response is read, and what of. */
function read(
  how: NonNullable<LeakFacts['reading']>['how'],
  client: LeakFacts['client'] = { library: 'http', status: 503 },
): FactsChange {
  return { reading: { how, waitsFor: undefined, didRead: true }, client };
}

const HIDDEN_TLS = { reading: true, inHandshake: false, endsItself: false } as const;

const EXPLANATIONS: [LeakCause, FactsChange, string][] = [
  [
    'never-read',
    { unreadStreamBytes: 5 },
    `Nothing ever read the connection to net:4025 from 10.0.0.7:51000: it has no 'data' or 'readable' listener, no pipe and no iterator (5 bytes unread); the client left 61 s ago.`,
  ],
  [
    'paused',
    { unreadKernelBytes: 1_000, unreadStreamBytes: 24 },
    'The connection to net:4025 from 10.0.0.7:51000 is paused and was not resumed (1,024 bytes unread); the client left 61 s ago.',
  ],
  [
    'half-open-not-ended',
    {},
    'The connection to net:4025 from 10.0.0.7:51000 was read to its end and never ended on this side; the client left 61 s ago.',
  ],
  [
    'half-open-not-ended',
    { ...UPLOAD, http: {}, unsentBytes: 3 },
    'POST /items/:id (http:8080) was upgraded, read to its end and never ended on this side (3 bytes not delivered); the client left 61 s ago.',
  ],
  [
    'half-open-not-ended',
    { server: 'http:8080', stream: { leftToClientErrorListener: true } },
    `The connection to http:8080 from 10.0.0.7:51000 sent something that is not HTTP and left; its server's 'clientError' listener did not close it; the client left 61 s ago.`,
  ],
  [
    'paused',
    { stream: { hiddenTls: HIDDEN_TLS }, unreadKernelBytes: 9 },
    'The connection to net:4025 from 10.0.0.7:51000 carries TLS that is paused or not read (9 bytes unread); the client left 61 s ago.',
  ],
  [
    'half-open-not-ended',
    { stream: { hiddenTls: HIDDEN_TLS } },
    'The connection to net:4025 from 10.0.0.7:51000 carries TLS, which took all that came, and was never ended on this side; the client left 61 s ago.',
  ],
  [
    'half-open-not-ended',
    { server: 'https:443', stream: { hiddenTls: { ...HIDDEN_TLS, inHandshake: true } } },
    'The connection to https:443 from 10.0.0.7:51000 never finished its TLS handshake and was not ended on this side; the client left 61 s ago.',
  ],
  [
    'request-body-not-read',
    { ...UPLOAD, unreadKernelBytes: 94_464, unreadStreamBytes: 65_536, http: { contentLength: 160_000 } },
    'POST /items/:id (http:8080) has not read its request body (160,000 bytes declared, 160,000 unread) and has not answered; the client left 61 s ago.',
  ],
  [
    'response-body-not-read',
    { ...OUTBOUND, unreadKernelBytes: 1 },
    'The response of GET http://prices:8080/today was never read to its end (1 byte unread); the server left 61 s ago.',
  ],
  [
    'response-body-not-read',
    { ...OUTBOUND, requestedBy: 'POST /checkout', stack: 'at prices (/app/prices.js:3:4)\nat checkout' },
    'The response of GET http://prices:8080/today, asked for by POST /checkout (at prices (/app/prices.js:3:4)), was never read to its end; the server left 61 s ago.',
  ],
  ...(
    [
      ['not-touched', 'was not read: nobody has touched its body'],
      ['paused-by-reader', 'was paused and not resumed'],
      ['readable-left', `has a 'readable' listener that left bytes unread`],
      ['iterator-stopped', 'was read in part, by a loop that has asked for no more'],
      ['destination-stalled', 'waits for a file, which takes no more'],
      [
        'destination-failed',
        'was read in part and lost its reader: what it was piped to has closed, or the pipe was taken off',
      ],
    ] as const
  ).map(
    ([how, what]) =>
      [
        'response-body-not-read',
        { ...OUTBOUND, ...read(how), waitsFor: 'a file', unreadKernelBytes: 7 },
        `The 503 response of GET http://prices:8080/today ${what} (7 bytes unread); the server left 61 s ago.`,
      ] as [LeakCause, FactsChange, string],
  ),
  [
    'response-body-not-read',
    { ...OUTBOUND, ...read('iterator-stopped', { library: 'fetch', status: 200 }) },
    'The response of GET http://prices:8080/today was read in part, and may still be read: its reader cannot be seen; the server left 61 s ago.',
  ],
  [
    'response-not-ended',
    { ...UPLOAD, unsentBytes: 12, http: { responseStarted: true } },
    'POST /items/:id (http:8080) has not ended its answer (12 bytes not delivered); the client left 61 s ago.',
  ],
  [
    'request-body-abandoned',
    { ...UPLOAD, unreadKernelBytes: 3 },
    'POST /items/:id (http:8080) was answered while its request body was abandoned half read (3 bytes unread); the client left 61 s ago.',
  ],
  [
    'pipelined-behind-pending-response',
    { ...UPLOAD },
    'POST /items/:id (http:8080) holds back the answers of later requests on the same connection; the client left 61 s ago.',
  ],
  [
    'write-stalled',
    { unsentBytes: 2_000_000 },
    'The connection to net:4025 from 10.0.0.7:51000 was ended with bytes that the peer does not take (2,000,000 bytes not delivered); the client left 61 s ago.',
  ],
  [
    'detached-handle',
    {},
    'The connection to net:4025 from 10.0.0.7:51000 lost its JS socket, and its fd was left open; the client left 61 s ago.',
  ],
  [
    'not-owned-by-this-thread',
    { side: 'unknown', server: undefined },
    'The connection with 10.0.0.7:51000 (fd 23) belongs to no JS socket of this thread; the peer left 61 s ago.',
  ],
  [
    'held-by-another-process',
    {},
    'The connection to net:4025 from 10.0.0.7:51000 is closed here and still open in another process; the client left 61 s ago.',
  ],
  [
    'held-by-another-process',
    { side: 'unknown', server: undefined, fd: -1, holderPid: 7, unreadKernelBytes: 2 },
    'The connection with 10.0.0.7:51000 is closed here and still open in process 7 (2 bytes unread); the peer left 61 s ago.',
  ],
  [
    'unknown',
    { server: undefined, endpoints: NO_PEER },
    'The connection is still open in this process; the client left 61 s ago.',
  ],
];

describe('the explanation', () => {
  it.each(EXPLANATIONS)('of %s', (cause, change, expected) => {
    expect(sentencesFor(cause, leakFacts(change)).explanation).toBe(expected);
  });

  it('is tested for every cause', () => {
    expect(new Set(EXPLANATIONS.map(([cause]) => cause))).toEqual(new Set(LEAK_CAUSES));
  });

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
    const tunnel = { ...outbound, client: { library: undefined, status: 407, tunnelTo: 'db:5432' } };
    expect(sentencesFor('never-read', tunnel).explanation).toMatch(
      /^Nothing ever read the socket of the CONNECT to 10\.0\.0\.7:51000 for db:5432 \(answered 407\): /,
    );
    expect(sentencesFor('paused', { ...outbound, method: 'GET' }).explanation).toMatch(/^GET an outbound request is/);
  });
});

const SERVED = { http: {} } as const;
const ASKED = { side: 'outbound', http: { role: 'client' } } as const;

const FIXES: [LeakCause, FactsChange, string][] = [
  [
    'never-read',
    {},
    'Read the socket, or call socket.resume() to discard what it sends; call socket.destroy() if the connection is not wanted.',
  ],
  [
    'paused',
    {},
    'Call socket.resume() after every pause(), and socket.destroy() when nobody will; use stream.pipeline() where pipe() can lose its destination.',
  ],
  [
    'half-open-not-ended',
    {},
    `Call socket.end() in its 'end' handler (or socket.destroy()): an allowHalfOpen, upgraded, CONNECT or 'clientError' socket is not ended by Node.`,
  ],
  [
    'half-open-not-ended',
    { stream: { leftToClientErrorListener: true } },
    `Call socket.destroy(error) in the 'clientError' listener on every path: with such a listener Node leaves the socket to it.`,
  ],
  [
    'half-open-not-ended',
    { stream: { hiddenTls: { ...HIDDEN_TLS, inHandshake: true } } },
    `Call socket.destroy() in the server's 'tlsClientError' listener ('clientError' of an https server) on every path: end() waits for the handshake, and for ever where that has failed.`,
  ],
  [
    'request-body-not-read',
    SERVED,
    'Read the body (req.resume() discards it), or end the response: either lets Node see that the client has gone and close the socket.',
  ],
  [
    'request-body-not-read',
    { ...SERVED, framework: 'fastify' },
    'Read the body (request.raw.resume() discards it), or end the reply: either lets Node see that the client has gone and close the socket.',
  ],
  [
    'request-body-abandoned',
    SERVED,
    `Reply with Connection: close, or read the rest of the body (req.resume()), when a body's pipeline fails.`,
  ],
  [
    'request-body-abandoned',
    { ...SERVED, framework: 'fastify' },
    `Reply with Connection: close, or read the rest of the body (request.raw.resume()), when a body's pipeline fails.`,
  ],
  ...(
    [
      [{}, 'destroy it'],
      [{ client: { library: 'http', status: 200 } }, 'response.resume()'],
      [read('not-touched', { library: 'http', status: 503 }), 'response.resume()'],
      [{ client: { library: 'axios', status: 200 } }, 'response.data.destroy()'],
      [{ client: { library: 'axios', status: 404 } }, 'error.response.data.destroy() where axios throws on its status'],
      [{ client: { library: 'got', status: 200 } }, 'stream.destroy()'],
      [{ client: { library: 'node-fetch', status: 200 } }, 'response.body.destroy()'],
      [{ client: { library: 'node-fetch', api: 'node-fetch 2', status: 200 } }, 'response.body.resume()'],
      [{ client: { library: 'aws-sdk', status: 200 } }, 'output.Body.destroy()'],
      [{ client: { library: 'undici', api: 'request', status: 200 } }, 'await body.dump()'],
      [
        { client: { library: 'undici', api: 'stream', status: 200 } },
        'destroy the writable that the factory of stream() returned',
      ],
      [
        { client: { library: 'undici', api: 'pipeline', status: 200 } },
        'resume() on the stream that pipeline() returned',
      ],
      [
        read('not-touched', { library: 'fetch', status: 200 }),
        'await response.body.cancel(), after clone() on both branches',
      ],
      [
        read('not-touched', { library: 'fetch', status: 302 }),
        `ask with redirect: 'manual', await response.body.cancel() on each 3xx and follow it yourself`,
      ],
    ] as const
  ).map(
    ([change, how]) =>
      [
        'response-body-not-read',
        { ...ASKED, ...change },
        `Read every response to its end, or give it up where it is not wanted: ${how}.`,
      ] as [LeakCause, FactsChange, string],
  ),
  ...(
    [
      [
        read('paused-by-reader'),
        'Resume response after every pause(), and give it up when nobody will: response.destroy().',
      ],
      [
        read('readable-left'),
        'Call read() of response until it returns null, and give it up when nobody will: response.destroy().',
      ],
      [
        read('iterator-stopped'),
        'Leave the loop over response by break, return or throw, and put a time-out on what it awaits.',
      ],
      [
        read('iterator-stopped', { library: 'fetch', status: 200 }),
        'Read response.body to its end, or give it up on every path that stops: await reader.cancel(), or break out of the loop over it.',
      ],
      [
        read('destination-stalled'),
        'Let what it is written to take it (call its callback, read it), or give it up after a time-out: response.destroy().',
      ],
      [
        {
          ...read('destination-stalled'),
          reading: {
            how: 'destination-stalled',
            waitsFor: { kind: 'response', method: 'GET', url: '/' },
            didRead: true,
          },
        },
        `End a client that takes nothing (its response's setTimeout() and destroy()), and the download with it: pipeline(response, destination, callback).`,
      ],
      [
        read('destination-failed'),
        'Give it up when its destination closes: pipeline(response, destination, callback).',
      ],
      [
        read('destination-failed', { library: 'http-proxy', status: 200 }),
        `Give it up when its destination closes: proxy.on('proxyReq', (proxyReq, req, res) => res.once('close', () => proxyReq.destroy())).`,
      ],
    ] as const
  ).map(
    ([change, fix]) => ['response-body-not-read', { ...ASKED, ...change }, fix] as [LeakCause, FactsChange, string],
  ),
  [
    'response-not-ended',
    SERVED,
    `End the response on every path, also when the request is aborted ('close' on the request tells).`,
  ],
  [
    'pipelined-behind-pending-response',
    SERVED,
    'End the first response on every path; those behind it are sent and the socket closes.',
  ],
  ['write-stalled', {}, 'Give up on a peer that stopped reading: socket.setTimeout(ms, () => socket.destroy()).'],
  ['detached-handle', {}, 'Close the handle you took off the socket (handle.close()).'],
  ['not-owned-by-this-thread', {}, 'Look in worker threads and native addons; a guard in the worker names the socket.'],
  [
    'held-by-another-process',
    {},
    'Close it in the process that holds it; a socket given to a child as stdio or with child.send(…, { keepOpen: true }) stays open there.',
  ],
  [
    'unknown',
    {},
    `Destroy the socket when its peer leaves: socket.destroy() in its 'end', 'close' or time-out handling.`,
  ],
];

describe('the fix', () => {
  it.each(FIXES)('of %s, %o', (cause, change, expected) => {
    expect(sentencesFor(cause, leakFacts(change)).fix).toBe(expected);
  });

  it('is tested for every cause', () => {
    expect(new Set(FIXES.map(([cause]) => cause))).toEqual(new Set(LEAK_CAUSES));
  });

  it.each(LEAK_CAUSES)('of %s is one sentence, whatever API it is told for', (cause) => {
    for (const change of [{}, SERVED, { ...SERVED, framework: 'fastify' }, ASKED] as const)
      expect(sentencesFor(cause, leakFacts(change)).fix).toMatch(/^[A-Z].*\.$/);
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
