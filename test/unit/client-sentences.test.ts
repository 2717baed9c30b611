import { describe, expect, it } from 'vitest';
import type { LeakFacts } from '../../src/leaks/facts.js';
import { sentencesFor } from '../../src/leaks/sentences.js';
import { leakFacts, type FactsChange } from '../support/leak-facts.js';

const OUTBOUND = {
  side: 'outbound',
  server: undefined,
  method: 'GET',
  destination: 'http://prices:8080/today',
} as const;
const ASKED = { side: 'outbound', http: { role: 'client' } } as const;

/** How a response is read, and what of. */
function read(
  how: NonNullable<LeakFacts['reading']>['how'],
  client: LeakFacts['client'] = { library: 'http', status: 503 },
): FactsChange {
  return { reading: { how, waitsFor: undefined, didRead: true }, client };
}

const EXPLANATIONS: [FactsChange, string][] = [
  ...(
    [
      ['not-touched', 'was not read: nobody has touched its body'],
      ['paused-by-reader', 'was paused and not resumed'],
      ['readable-left', `has a 'readable' listener that left bytes unread`],
      ['iterator-stopped', 'was read in part, by a loop that has asked for no more'],
      ['destination-stalled', 'waits for a file, which takes no more'],
      [
        'destination-failed',
        'was read in part and lost its reader: what it was piped to has closed, the pipe was taken off, or it was paused',
      ],
    ] as const
  ).map(
    ([how, what]) =>
      [
        { ...OUTBOUND, ...read(how), waitsFor: 'a file', unreadKernelBytes: 7 },
        `The 503 response of GET http://prices:8080/today ${what} (7 bytes unread); the server left 61 s ago.`,
      ] as [FactsChange, string],
  ),
  [
    { ...OUTBOUND, ...read('iterator-stopped', { library: 'fetch', status: 200 }) },
    'The response of GET http://prices:8080/today was read in part, and may still be read: its reader cannot be seen; the server left 61 s ago.',
  ],
];

const FIXES: [FactsChange, string][] = [
  ...(
    [
      [{}, 'destroy it'],
      [{ client: { library: 'http', status: 200 } }, 'response.resume()'],
      [read('not-touched', { library: 'http', status: 503 }), 'response.resume()'],
      [{ client: { library: 'axios', status: 200 } }, 'response.data.destroy()'],
      [{ client: { library: 'axios', status: 404 } }, 'error.response.data.destroy() where axios throws on its status'],
      [{ client: { library: 'axios', status: 300 } }, 'error.response.data.destroy() where axios throws on its status'],
      // Before the head has come there is no status.
      [{ client: { library: 'axios', status: undefined } }, 'response.data.destroy()'],
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
      [read('not-touched', { library: 'fetch', status: 200 }), 'await response.body.cancel(), also that of a clone()'],
      [
        read('not-touched', { library: 'fetch', status: 302 }),
        `ask with redirect: 'manual', await response.body.cancel() on each 3xx and follow it yourself`,
      ],
      [
        read('not-touched', { library: 'fetch', status: 301 }),
        `ask with redirect: 'manual', await response.body.cancel() on each 3xx and follow it yourself`,
      ],
      [
        read('not-touched', { library: 'fetch', status: 308 }),
        `ask with redirect: 'manual', await response.body.cancel() on each 3xx and follow it yourself`,
      ],
      // Not followed: 300 leaves the choice to whoever asked, 304 has no body.
      [read('not-touched', { library: 'fetch', status: 300 }), 'await response.body.cancel(), also that of a clone()'],
      [read('not-touched', { library: 'fetch', status: 304 }), 'await response.body.cancel(), also that of a clone()'],
      [read('not-touched', { library: 'fetch', status: 404 }), 'await response.body.cancel(), also that of a clone()'],
    ] as const
  ).map(
    ([change, how]) =>
      [{ ...ASKED, ...change }, `Read every response to its end, or give it up where it is not wanted: ${how}.`] as [
        FactsChange,
        string,
      ],
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
        read('readable-left', { library: 'fetch', status: 200 }),
        'Call read() of response.body until it returns null, and give it up when nobody will: await reader.cancel().',
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
        'Give it up when its destination closes: pipeline(response, destination, callback), or response.destroy() where it has closed already.',
      ],
      [
        read('destination-failed', { library: 'http-proxy', status: 200 }),
        `Give it up when its destination closes: proxy.on('proxyReq', (proxyReq, req, res) => res.once('close', () => proxyReq.destroy())), or proxyReq.destroy() where it has closed already.`,
      ],
    ] as const
  ).map(([change, fix]) => [{ ...ASKED, ...change }, fix] as [FactsChange, string]),
];

describe('response-body-not-read', () => {
  it.each(EXPLANATIONS)('is told by how the body is read: %o', (change, expected) => {
    expect(sentencesFor('response-body-not-read', leakFacts(change)).explanation).toBe(expected);
  });

  it.each(FIXES)('has its fix in the words of one library: %o', (change, expected) => {
    expect(sentencesFor('response-body-not-read', leakFacts(change)).fix).toBe(expected);
  });
});

describe('the connection of a client', () => {
  it.each([
    ['pg', 'client.connection.stream.resume()'],
    ['mysql2', `resume() of the query's stream, not of the connection,`],
    ['ioredis', 'redis.stream.resume()'],
    ['mqtt', 'the callback that client.handleMessage() was given'],
    [undefined, 'socket.resume()'],
  ] as const)('of %s has its fix in the words of it', (library, how) => {
    const facts = leakFacts({ side: 'outbound', server: undefined, client: { library, status: undefined } });
    expect(sentencesFor('never-read', facts).fix).toBe(`Read the socket, or discard what it sends: ${how}.`);
  });
});

it('the socket of a CONNECT is named by its proxy, its target and the answer', () => {
  const client = { library: undefined, status: 407, tunnelTo: 'db:5432' };
  const facts = leakFacts({ side: 'outbound', server: undefined, client });
  expect(sentencesFor('never-read', facts).explanation).toMatch(
    /^Nothing ever read the socket of the CONNECT to 10\.0\.0\.7:51000 for db:5432 \(answered 407\): /,
  );
});
