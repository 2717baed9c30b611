import { describe, expect, it } from 'vitest';
import { LEAK_CAUSES, type LeakCause } from '../../src/base/vocabulary.js';
import { bytes, duration, sentencesFor, type Circumstances } from '../../src/leaks/sentences.js';

const FACTS: Circumstances = {
  kind: 'close-wait',
  side: 'inbound',
  server: 'net:4025',
  method: undefined,
  route: undefined,
  destination: undefined,
  peer: '10.0.0.7:51000',
  ageMs: 61_400,
  idleMs: 61_400,
  unreadKernelBytes: 0,
  unreadStreamBytes: 0,
  unsentBytes: 0,
  contentLength: undefined,
  answerStarted: false,
  aborted: false,
  requestedBy: undefined,
  openedAt: undefined,
  upgraded: false,
  leftToClientErrorListener: false,
  pid: undefined,
  fd: 23,
};
const UPLOAD = { server: 'http:8080', method: 'POST', route: '/items/:id' } as const;
const OUTBOUND = {
  side: 'outbound',
  server: undefined,
  method: 'GET',
  destination: 'http://prices:8080/today',
} as const;

const EXPLANATIONS: [LeakCause, Partial<Circumstances>, string][] = [
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
    'request-body-not-read',
    { ...UPLOAD, unreadKernelBytes: 94_464, unreadStreamBytes: 65_536, contentLength: 160_000 },
    'POST /items/:id (http:8080) has not read its request body (160,000 bytes declared, 160,000 unread) and has not answered; the client left 61 s ago.',
  ],
  [
    'response-body-not-read',
    { ...OUTBOUND, unreadKernelBytes: 1 },
    'The response of GET http://prices:8080/today was never read to its end (1 byte unread); the server left 61 s ago.',
  ],
  [
    'response-not-ended',
    { ...UPLOAD, answerStarted: true, unsentBytes: 12 },
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
    'unknown',
    { server: undefined, peer: undefined },
    'The connection is still open in this process; the client left 61 s ago.',
  ],
];

describe('the explanation', () => {
  it.each(EXPLANATIONS)('of %s', (cause, change, expected) => {
    expect(sentencesFor(cause, { ...FACTS, ...change }).explanation).toBe(expected);
  });

  it('is tested for every cause', () => {
    expect(EXPLANATIONS.map(([cause]) => cause).sort()).toEqual([...LEAK_CAUSES].sort());
  });

  it.each<[string, Partial<Circumstances>, string]>([
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
      expect(sentencesFor(cause, { ...FACTS, ...change }).explanation).toMatch(
        new RegExp(`; ${ending.replace(/\./g, '\\.')}$`),
      );
    }
  });

  it('names an outbound socket by what it is known by', () => {
    const outbound = { ...FACTS, side: 'outbound', server: undefined } as const;
    expect(sentencesFor('paused', outbound).explanation).toMatch(/^The connection to 10\.0\.0\.7:51000 is paused/);
    expect(sentencesFor('paused', { ...outbound, destination: 'db:5432' }).explanation).toMatch(
      /^The connection to db:5432 is/,
    );
    expect(sentencesFor('paused', { ...outbound, peer: undefined }).explanation).toMatch(
      /^The connection to its peer is/,
    );
    expect(sentencesFor('paused', { ...outbound, method: 'GET' }).explanation).toMatch(/^GET an outbound request is/);
  });
});

describe('the fix', () => {
  it.each<[LeakCause, string]>([
    ['never-read', 'socket.resume()'],
    ['paused', 'stream.pipeline()'],
    ['half-open-not-ended', `socket.end() in its 'end' handler`],
    ['request-body-not-read', 'request.raw.resume()'],
    ['response-body-not-read', 'response.body.cancel()'],
    ['response-not-ended', 'End the response'],
    ['request-body-abandoned', 'Connection: close'],
    ['pipelined-behind-pending-response', 'End the first response'],
    ['write-stalled', 'socket.setTimeout('],
    ['detached-handle', 'handle.close()'],
    ['not-owned-by-this-thread', 'worker threads'],
    ['held-by-another-process', 'Close it in the process'],
    ['unknown', 'socket.destroy()'],
  ])('of %s says what to write', (cause, words) => {
    const { fix } = sentencesFor(cause, FACTS);
    expect(fix).toContain(words);
    expect(fix).toMatch(/^[A-Z].*\.$/);
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
