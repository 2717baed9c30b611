import { describe, expect, it } from 'vitest';
import { LEAK_CAUSES, type LeakCause } from '../../src/base/vocabulary.js';
import type { HiddenTlsFacts } from '../../src/layers/facts.js';
import { diagnose } from '../../src/leaks/diagnosis.js';
import type { FdHolder } from '../../src/leaks/facts.js';
import { leakFacts, type FactsChange } from '../support/leak-facts.js';

/** As of a raw socket: TLS reads its handle, so that the stream itself is never read. */
function hiddenTls(change: Partial<HiddenTlsFacts>): NonNullable<FactsChange['stream']> {
  return {
    readableFlowing: null,
    hiddenTls: { reading: true, inHandshake: false, endsItself: false, ...change },
  };
}

/** Given to the application by http, and neither read nor written since. */
const UNTAKEN: FactsChange['stream'] = { readableFlowing: null, hasReader: false, written: false };
const UPGRADED: FactsChange['http'] = { responding: false };
const WEB_SOCKET = { paused: true, readerUnseen: false };

const TABLE: [name: string, change: FactsChange, cause: LeakCause][] = [
  ['no reader at all', { stream: { readableFlowing: null } }, 'never-read'],
  [
    'no reader, and the end is buffered behind bytes',
    { stream: { readableFlowing: null, endBuffered: true }, unreadStreamBytes: 5 },
    'never-read',
  ],
  [
    `a 'readable' listener that does not read is a reader`,
    { stream: { readableFlowing: null, hasReadableListener: true } },
    'unknown',
  ],
  ['paused', { stream: { readableFlowing: false } }, 'paused'],
  [
    'paused, with the end behind its bytes',
    { stream: { readableFlowing: false, endBuffered: true }, unreadStreamBytes: 8 },
    'paused',
  ],
  ['read to the end, not ended', { stream: { readableEnded: true } }, 'half-open-not-ended'],
  [
    'read to the end, ended, bytes stuck',
    { stream: { readableEnded: true, writableEnded: true }, unsentBytes: 1 },
    'write-stalled',
  ],
  [
    'the same where the TLS handshake has not ended, which is what they wait for',
    { stream: { readableEnded: true, writableEnded: true, secureConnecting: true }, unsentBytes: 1 },
    'half-open-not-ended',
  ],
  ['read to the end, ended, nothing left to send', { stream: { readableEnded: true, writableEnded: true } }, 'unknown'],
  ['flowing, end not seen', {}, 'unknown'],
  [
    'a request whose body waits',
    { stream: { readableFlowing: false, readByHttp: true }, http: { bodyComplete: false } },
    'request-body-not-read',
  ],
  ['the same, its answer begun', { http: { bodyComplete: false, responseStarted: true } }, 'request-body-not-read'],
  ['a request read whole and not answered', { stream: { readableEnded: true }, http: {} }, 'response-not-ended'],
  [
    'its answer begun and not ended',
    { stream: { readableEnded: true }, http: { responseStarted: true } },
    'response-not-ended',
  ],
  [
    'its answer over the high-water mark, and the client takes nothing',
    { stream: { readableEnded: true }, http: { responseStarted: true, needsDrain: true }, unsentBytes: 1 },
    'write-stalled',
  ],
  [
    'an HTTP/2 request whose session waits for its peer to take what it sends',
    { side: 'outbound', http: { role: 'client', bodyComplete: false, needsDrain: true }, unsentBytes: 1 },
    'write-stalled',
  ],
  [
    'answered, its body left half read',
    {
      stream: { readByHttp: true, readableFlowing: false },
      http: { responding: false, responseEnded: true },
      unreadKernelBytes: 9,
    },
    'request-body-abandoned',
  ],
  [
    'pipelined requests behind one',
    { stream: { pausedByPipelining: true, readByHttp: true }, http: {} },
    'pipelined-behind-pending-response',
  ],
  [
    'the same, and it is the client that takes nothing of the first answer',
    {
      stream: { pausedByPipelining: true, readByHttp: true },
      http: { responseStarted: true, needsDrain: true },
      unsentBytes: 9,
    },
    'write-stalled',
  ],
  [
    'the same, that answer ended',
    {
      stream: { pausedByPipelining: true, readByHttp: true },
      http: { responseStarted: true, responseEnded: true },
      unsentBytes: 9,
    },
    'write-stalled',
  ],
  [
    'the same, and whoever writes it could go on',
    { stream: { pausedByPipelining: true, readByHttp: true }, http: { responseStarted: true }, unsentBytes: 9 },
    'pipelined-behind-pending-response',
  ],
  [
    'upgraded long ago: http no longer reads it',
    { stream: { readableEnded: true }, http: { responding: false, responseEnded: true } },
    'half-open-not-ended',
  ],
  [
    'an upgraded socket that is paused',
    { stream: { readableFlowing: false }, http: { responding: false, responseEnded: true } },
    'paused',
  ],
  [
    'an answer that was ended, and whose bytes the client does not take',
    {
      stream: { readableEnded: true, readByHttp: true },
      http: { responseStarted: true, responseEnded: true },
      unsentBytes: 9,
    },
    'write-stalled',
  ],
  [
    'the same, with none of them left',
    { stream: { readableEnded: true, readByHttp: true }, http: { responseStarted: true, responseEnded: true } },
    'half-open-not-ended',
  ],
  [
    'bytes that the client does not take, of an answer that was not ended',
    { stream: { readableEnded: true, readByHttp: true }, http: { responseStarted: true }, unsentBytes: 9 },
    'response-not-ended',
  ],
  ['TLS above it that has stopped reading', { stream: hiddenTls({ reading: false }) }, 'paused'],
  ['TLS above it that leaves bytes in the kernel', { stream: hiddenTls({}), unreadKernelBytes: 1 }, 'paused'],
  ['TLS above it that took all and does not end itself', { stream: hiddenTls({}) }, 'half-open-not-ended'],
  ['TLS above it that took all and would have ended itself', { stream: hiddenTls({ endsItself: true }) }, 'paused'],
  [
    'the same, with bytes that the peer does not take',
    { stream: hiddenTls({ endsItself: true }), unsentBytes: 1 },
    'unknown',
  ],
  [
    'a TLS handshake that has not ended',
    { stream: hiddenTls({ endsItself: true, inHandshake: true }) },
    'half-open-not-ended',
  ],
  [
    'TLS above it on a raw socket that was paused when it came',
    { stream: { ...hiddenTls({}), readableFlowing: false } },
    'half-open-not-ended',
  ],
  [
    'an answer that waits to be read',
    { side: 'outbound', stream: { readableFlowing: false }, http: { role: 'client', bodyComplete: false } },
    'response-body-not-read',
  ],
  [
    'an outbound socket without an answer',
    { side: 'outbound', stream: { readableFlowing: false }, http: { role: 'client', responding: false } },
    'paused',
  ],
  // A WebSocket on which a framework has left its response open.
  [
    'a WebSocket that is paused, whatever http still thinks',
    { stream: { webSocket: WEB_SOCKET, readableFlowing: false }, http: {} },
    'paused',
  ],
  [
    'an HTTP/2 request that has sent all, its answer left unread',
    { side: 'outbound', http: { role: 'client', bodyComplete: false, needsDrain: true } },
    'response-body-not-read',
  ],
  [
    'an answer read to its end',
    { side: 'outbound', stream: { readableEnded: true }, http: { role: 'client' } },
    'half-open-not-ended',
  ],
  [
    'an answer over the high-water mark, while the body of its request waits',
    { http: { bodyComplete: false, responseStarted: true, needsDrain: true }, unsentBytes: 9 },
    'request-body-not-read',
  ],
  [
    'an answer that was ended before the body was read, and that the client does not take',
    { http: { bodyComplete: false, responseStarted: true, responseEnded: true }, unsentBytes: 9 },
    'write-stalled',
  ],
  [
    'pipelined requests behind one that was answered, bytes of whose answer are left',
    {
      stream: { pausedByPipelining: true, readByHttp: true },
      http: { responding: false, responseEnded: true },
      unsentBytes: 9,
    },
    'pipelined-behind-pending-response',
  ],
  [
    'answered, its body half taken by the stream',
    { stream: { readByHttp: true }, http: { responding: false, responseEnded: true }, unreadStreamBytes: 5 },
    'request-body-abandoned',
  ],
  [
    'answered, the end of its body not read',
    { stream: { readByHttp: true, endBuffered: true }, http: { responding: false, responseEnded: true } },
    'request-body-abandoned',
  ],
  [
    'answered, and more of its body to come',
    { stream: { readByHttp: true }, http: { responding: false, responseEnded: true, bodyComplete: false } },
    'request-body-abandoned',
  ],
  [
    'answered, with nothing left of its body',
    { stream: { readByHttp: true, readableFlowing: false }, http: { responding: false, responseEnded: true } },
    'paused',
  ],
  ['an upgrade that nobody took over', { stream: UNTAKEN, http: UPGRADED }, 'half-open-not-ended'],
  ['the same of a client', { side: 'outbound', stream: UNTAKEN, http: { ...UPGRADED, role: 'client' } }, 'never-read'],
  ['the same without a request', { stream: UNTAKEN }, 'never-read'],
  [
    'an upgrade that was answered, and is not read',
    { stream: { ...UNTAKEN, written: true }, http: UPGRADED },
    'never-read',
  ],
  [
    'an upgrade that somebody reads',
    { stream: { ...UNTAKEN, hasReader: true, readableFlowing: false }, http: UPGRADED },
    'paused',
  ],
  [
    'a request that http still reads',
    { stream: { ...UNTAKEN, readByHttp: true }, http: { ...UPGRADED, bodyComplete: true } },
    'never-read',
  ],
  ['its end on the way to a reader', { stream: { endBuffered: true } }, 'half-open-not-ended'],
  [
    'its end behind bytes that a reader has not taken',
    { stream: { endBuffered: true }, unreadStreamBytes: 5 },
    'unknown',
  ],
  ['its end in the stream, which is paused', { stream: { endBuffered: true, readableFlowing: false } }, 'paused'],
  [
    'a TLS handshake that has not ended, with no end of the peer',
    { stream: { readableFlowing: null, secureConnecting: true } },
    'half-open-not-ended',
  ],
];

const WITHOUT_STREAM: [heldBy: FdHolder, cause: LeakCause][] = [
  ['lost-socket', 'detached-handle'],
  ['unknown', 'not-owned-by-this-thread'],
  ['other-process', 'held-by-another-process'],
  // The properties of its stream throw.
  ['socket', 'unknown'],
];

describe('the cause', () => {
  it.each(TABLE)('%s', (_name, change, cause) => {
    expect(diagnose(leakFacts(change))).toBe(cause);
  });

  it('is the same for a reset as for a half-closed socket', () => {
    for (const [, change, cause] of TABLE) {
      expect(diagnose(leakFacts({ ...change, kind: 'reset' }))).toBe(cause);
    }
  });

  it.each(WITHOUT_STREAM)('of a socket without a stream goes by who holds its fd: %s', (heldBy, cause) => {
    expect(diagnose({ ...leakFacts({ heldBy, side: 'unknown' }), stream: undefined })).toBe(cause);
  });

  it('can be any of them', () => {
    const decided = [...TABLE.map(([, , cause]) => cause), ...WITHOUT_STREAM.map(([, cause]) => cause)];
    expect(new Set(decided)).toEqual(new Set(LEAK_CAUSES));
  });

  it('is one of the closed set', () => {
    expect([...LEAK_CAUSES].sort()).toEqual(
      [
        'never-read',
        'paused',
        'half-open-not-ended',
        'response-not-ended',
        'request-body-not-read',
        'request-body-abandoned',
        'response-body-not-read',
        'pipelined-behind-pending-response',
        'write-stalled',
        'detached-handle',
        'not-owned-by-this-thread',
        'held-by-another-process',
        'unknown',
      ].sort(),
    );
  });
});
