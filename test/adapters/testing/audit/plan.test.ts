import { describe, expect, it } from 'vitest';
import { adviceFor, firstMoment, momentsFor, momentsForAll, unreachable } from '../../../../src/testing/audit/plan.js';
import { HANG_UP_MOMENTS } from '../../../../src/testing/hang-up/options.js';

const ALL = HANG_UP_MOMENTS;

describe('the plan of an audit', () => {
  it('tries once what comes before the route is known', () => {
    expect(momentsForAll(ALL)).toEqual(['connect', 'mid-headers']);
    expect(momentsForAll(['idle'])).toEqual([]);
  });

  it.each([
    ['GET', false, false, ['request', 'mid-response', 'response', 'idle']],
    ['GET', false, true, ['request', 'mid-response', 'response', 'upgrade', 'idle']],
    ['DELETE', false, true, ['request', 'mid-response', 'response', 'idle']],
    ['POST', true, true, ['headers', 'mid-body', 'request', 'mid-response', 'response', 'idle']],
  ])('%s, with body: %s, upgrades: %s', (method, hasBody, upgrades, moments) => {
    expect(momentsFor({ method, hasBody }, ALL, upgrades)).toEqual(moments);
  });

  it('keeps to what is wanted', () => {
    expect(momentsFor({ method: 'GET', hasBody: false }, ['connect', 'mid-body', 'response'], true)).toEqual([
      'response',
    ]);
  });

  it('begins with the answer, when one is wanted', () => {
    expect(firstMoment(['request', 'mid-response', 'response', 'idle'])).toBe('response');
    expect(firstMoment(['request', 'mid-response', 'idle'])).toBe('idle');
    expect(firstMoment(['request', 'upgrade'])).toBeUndefined();
  });

  it.each([
    ['no answer', undefined, false, ['mid-response', 'idle']],
    ['an answer without end', 200, false, ['idle']],
    ['an answer', 200, true, []],
  ])('does not wait for what cannot come after %s', (_name, statusCode, complete, moments) => {
    expect(unreachable(['headers', 'mid-response', 'upgrade', 'idle'], { statusCode, complete })).toEqual(moments);
  });

  it.each([
    [undefined, 'unknown', undefined],
    [200, 'ran', undefined],
    [404, 'ran', undefined],
    [404, 'not-run', 'answered 404: look who answers so'],
    [503, 'ran', undefined],
    [500, 'failed', 'answered 500: give it an example that its handler does not fail on'],
    [400, 'ran', 'answered 400: give it an example'],
    [415, 'not-run', 'answered 415: give it an example'],
    [403, 'not-run', 'answered 403: give it headers that let it in'],
    [429, 'not-run', 'answered 429: lift the rate limit for the audit'],
  ] as const)('of %s, of a handler that has %s, it advises %s', (statusCode, handler, advice) => {
    expect(adviceFor(statusCode, handler)).toBe(advice);
  });
});
