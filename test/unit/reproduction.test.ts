import { describe, expect, it } from 'vitest';
import { LEAK_CAUSES, type LeakCause, type LeakReason } from '../../src/base/vocabulary.js';
import { planReproduction, type ReproducibleLeak, type ReproductionPlan } from '../../src/guard/reproduction.js';

const leak = (change: Partial<ReproducibleLeak>): ReproducibleLeak => ({
  kind: 'close-wait',
  cause: 'response-not-ended',
  side: 'inbound',
  method: 'POST',
  route: '/items/:id',
  ...change,
});
const asked = { sends: 'request', method: 'POST', path: '/items/1' } as const;

/** What a client sends, and at which moment it leaves, so that the same becomes of the socket. */
const PLANS: Record<LeakCause, ReproductionPlan> = {
  'never-read': { ...asked, leavesAt: 'upgrade', body: 'frame' },
  paused: { ...asked, leavesAt: 'upgrade', body: 'frame' },
  'half-open-not-ended': { ...asked, leavesAt: 'upgrade' },
  'response-not-ended': { ...asked, leavesAt: 'request' },
  'request-body-not-read': { ...asked, leavesAt: 'request', body: 'unread' },
  'request-body-abandoned': { ...asked, leavesAt: 'response', body: 'abandoned' },
  'response-body-not-read': { ...asked, leavesAt: 'request' },
  'pipelined-behind-pending-response': {
    sends: 'nothing',
    because: 'it takes several requests, of which the report names one',
  },
  'write-stalled': { ...asked, leavesAt: 'mid-response', readsOn: false },
  'detached-handle': { ...asked, leavesAt: 'request' },
  'not-owned-by-this-thread': { ...asked, leavesAt: 'request' },
  'held-by-another-process': { ...asked, leavesAt: 'request' },
  unknown: { ...asked, leavesAt: 'request' },
};

describe('the plan of a reproduction', () => {
  it.each(LEAK_CAUSES)('of %s', (cause) => {
    expect(planReproduction(leak({ cause }))).toEqual(PLANS[cause]);
  });

  it('of a stalled upload sends more than the kernel takes', () => {
    expect(planReproduction(leak({ cause: 'request-body-not-read', kind: 'stalled' }))).toMatchObject({
      body: 'stalling',
    });
  });

  it('asks for the path that was asked for, where the report has it whole', () => {
    expect(planReproduction(leak({ path: '/items/7' }))).toMatchObject({ path: '/items/7' });
    expect(planReproduction(leak({ path: '/items/7777...' }))).toMatchObject({ path: '/items/1' });
  });

  it('of an outbound leak is the request that asked for it', () => {
    const outbound = leak({ side: 'outbound', cause: 'response-body-not-read', requestedBy: 'GET /report/:day' });
    expect(planReproduction(outbound)).toEqual({
      sends: 'request',
      method: 'GET',
      path: '/report/1',
      leavesAt: 'response',
    });
    expect(planReproduction({ ...outbound, reason: 'destination-stalled' })).toMatchObject({
      leavesAt: 'mid-response',
    });
    expect(planReproduction({ ...outbound, requestedBy: undefined })).toMatchObject({ sends: 'nothing' });
  });

  it('without a request sends as many bytes as waited, and a few where none did', () => {
    const raw = leak({ cause: 'never-read', method: undefined, route: undefined });
    expect(planReproduction({ ...raw, unreadKernelBytes: 10, unreadStreamBytes: 5 })).toMatchObject({
      sends: 'bytes',
      bytes: 15,
    });
    expect(planReproduction(raw)).toMatchObject({ bytes: 4 });
    expect(planReproduction({ ...raw, kind: 'stalled' })).toMatchObject({ bytes: undefined });
    expect(planReproduction({ ...raw, cause: 'paused' })).toMatchObject({ sends: 'nothing' });
    expect(planReproduction({ ...raw, cause: 'paused', takenBytes: 0 })).toMatchObject({ sends: 'bytes', bytes: 4 });
  });

  describe('of a half-open connection', () => {
    const halfOpen = (reason: LeakReason) => planReproduction(leak({ cause: 'half-open-not-ended', reason }));

    it('that a clientError listener left is half a head', () => {
      expect(halfOpen('client-error-listener')).toEqual({ sends: 'half-head' });
    });

    it.each([
      ['handshake-not-ended', /handshake had not ended/],
      ['tls-not-ended', /spoke something else first/],
    ] as const)('is none where TLS cannot be made again, and says why: %s', (reason, why) => {
      expect(halfOpen(reason)).toEqual({ sends: 'nothing', because: expect.stringMatching(why) });
    });
  });

  it('is none where no thread knows the socket', () => {
    expect(planReproduction(leak({ side: 'unknown' }))).toMatchObject({ sends: 'nothing' });
  });

  it('of a cause that only a later version knows is the request itself', () => {
    expect(planReproduction(leak({ cause: 'of-tomorrow' as never }))).toEqual({ ...asked, leavesAt: 'request' });
  });
});
