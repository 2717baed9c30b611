import { describe, expect, it } from 'vitest';
import { LEAK_CAUSES, type LeakCause } from '../../src/base/vocabulary.js';
import type { HttpFacts, StreamFacts } from '../../src/layers/facts.js';
import { diagnose, type DiagnosisFacts } from '../../src/leaks/diagnosis.js';

interface Change {
  readonly facts?: Partial<Omit<DiagnosisFacts, 'stream'>>;
  readonly stream?: Partial<Omit<StreamFacts, 'http'>>;
  readonly http?: Partial<HttpFacts>;
}

const STREAM: StreamFacts = {
  readableFlowing: true,
  readableEnded: false,
  endBuffered: false,
  hasReadableListener: false,
  writableEnded: false,
  writableLength: 0,
  pausedByPipelining: false,
  readByHttp: false,
  leftToClientErrorListener: false,
  http: undefined,
};

/** A server that has read its request and has not answered. */
const HTTP: HttpFacts = {
  role: 'server',
  method: 'POST',
  url: '/',
  route: undefined,
  base: undefined,
  bodyComplete: true,
  contentLength: undefined,
  answering: true,
  answerStarted: false,
  answerEnded: false,
};

function causeOf({ facts, stream, http }: Change): LeakCause {
  return diagnose({
    kind: 'close-wait',
    side: 'inbound',
    owned: true,
    detached: false,
    foreign: false,
    unreadKernelBytes: 0,
    unreadStreamBytes: 0,
    unsentBytes: 0,
    ...facts,
    stream: { ...STREAM, ...stream, http: http && { ...HTTP, ...http } },
  });
}

const TABLE: [name: string, change: Change, cause: LeakCause][] = [
  ['no reader at all', { stream: { readableFlowing: null } }, 'never-read'],
  [
    'no reader, and the end is buffered behind bytes',
    { stream: { readableFlowing: null, endBuffered: true }, facts: { unreadStreamBytes: 5 } },
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
    { stream: { readableFlowing: false, endBuffered: true }, facts: { unreadStreamBytes: 8 } },
    'paused',
  ],
  ['read to the end, not ended', { stream: { readableEnded: true } }, 'half-open-not-ended'],
  [
    'read to the end, ended, bytes stuck',
    { stream: { readableEnded: true, writableEnded: true }, facts: { unsentBytes: 1 } },
    'write-stalled',
  ],
  ['read to the end, ended, nothing left to send', { stream: { readableEnded: true, writableEnded: true } }, 'unknown'],
  ['flowing, end not seen', {}, 'unknown'],
  [
    'a request whose body waits',
    { stream: { readableFlowing: false, readByHttp: true }, http: { bodyComplete: false } },
    'request-body-not-read',
  ],
  ['the same, its answer begun', { http: { bodyComplete: false, answerStarted: true } }, 'request-body-not-read'],
  ['a request read whole and not answered', { stream: { readableEnded: true }, http: {} }, 'response-not-ended'],
  [
    'its answer begun and not ended',
    { stream: { readableEnded: true }, http: { answerStarted: true } },
    'response-not-ended',
  ],
  [
    'answered, its body left half read',
    {
      stream: { readByHttp: true, readableFlowing: false },
      http: { answering: false, answerEnded: true },
      facts: { unreadKernelBytes: 9 },
    },
    'request-body-abandoned',
  ],
  [
    'pipelined requests behind one',
    { stream: { pausedByPipelining: true, readByHttp: true }, http: {} },
    'pipelined-behind-pending-response',
  ],
  [
    'upgraded long ago: http no longer reads it',
    { stream: { readableEnded: true }, http: { answering: false, answerEnded: true } },
    'half-open-not-ended',
  ],
  [
    'an upgraded socket that is paused',
    { stream: { readableFlowing: false }, http: { answering: false, answerEnded: true } },
    'paused',
  ],
  [
    'an answer that waits to be read',
    { facts: { side: 'outbound' }, stream: { readableFlowing: false }, http: { role: 'client', bodyComplete: false } },
    'response-body-not-read',
  ],
  [
    'an outbound socket without an answer',
    { facts: { side: 'outbound' }, stream: { readableFlowing: false }, http: { role: 'client', answering: false } },
    'paused',
  ],
];

describe('the cause', () => {
  it.each(TABLE)('%s', (_name, change, cause) => {
    expect(causeOf(change)).toBe(cause);
  });

  it('is the same for a reset as for a half-closed socket', () => {
    for (const [, change, cause] of TABLE) {
      expect(causeOf({ ...change, facts: { ...change.facts, kind: 'reset' } })).toBe(cause);
    }
  });

  it('of an fd without a JS socket says whether it ever had one here', () => {
    const facts = {
      kind: 'close-wait',
      side: 'unknown',
      owned: false,
      foreign: false,
      unreadKernelBytes: 0,
      unreadStreamBytes: 0,
      unsentBytes: 0,
    } as const;
    expect(diagnose({ ...facts, detached: true, stream: undefined })).toBe('detached-handle');
    expect(diagnose({ ...facts, owned: true, detached: false, stream: undefined }), 'its stream throws').toBe(
      'unknown',
    );
    expect(diagnose({ ...facts, detached: false, stream: undefined })).toBe('not-owned-by-this-thread');
    expect(diagnose({ ...facts, detached: false, foreign: true, stream: undefined })).toBe('held-by-another-process');
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
