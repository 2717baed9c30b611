import { describe, expect, it } from 'vitest';
import { fingerprintOf, type Fingerprinted } from '../../src/guard/fingerprint.js';
import { shownOf } from '../../src/guard/redact.js';

const LEAK: Fingerprinted = {
  cause: 'paused',
  reason: undefined,
  side: 'inbound',
  server: 'http:8080',
  method: 'GET',
  route: '/items/:id',
  destination: undefined,
  requestedBy: undefined,
};
const whole = (leak: Partial<Fingerprinted>): string => fingerprintOf({ ...LEAK, ...leak }, (text) => text);

describe('a fingerprint', () => {
  it('is the same in every process and version: logs of years are grouped by it', () => {
    expect(whole({})).toBe('10b98682f1c8');
  });

  it.each<Partial<Fingerprinted>>([
    { cause: 'never-read' },
    { side: 'unknown' },
    { server: 'http:8081' },
    { method: 'POST' },
    { route: '/items' },
    { route: undefined, destination: '/items/:id' },
    { requestedBy: 'GET /' },
    { reason: 'not-touched' },
  ])('tells %j apart', (change) => {
    expect(whole(change)).not.toBe(whole({}));
  });

  it.each([
    ['/users/7', '/users/12345'],
    ['http://a:80/users/7/cart', 'http://a:80/users/8/cart'],
    ['/o/497f6eca-6276-4993-bfeb-53cbbbba6f08', '/o/497f6eca-6276-4993-bfeb-53cbbbba6f09'],
    ['/o/0123456789abcdef01234567', '/o/d123456789abcdef01234567'],
    ['http://a:80/i/1 via 10.0.0.1:3128', 'http://a:80/i/2 via 10.0.0.1:3128'],
  ])('leaves ids out: %s, %s', (one, other) => {
    expect(whole({ route: one })).toBe(whole({ route: other }));
    expect(whole({ destination: one })).toBe(whole({ destination: other }));
    expect(whole({ requestedBy: one })).toBe(whole({ requestedBy: other }));
  });

  it.each([
    ['/users/me', '/users/you'],
    ['/v1/users', '/v2/users'],
    ['/deadbeef', '/feedface'],
    ['10.0.0.1:6379', '10.0.0.2:6379'],
    ['http://a:80/x', 'http://a:81/x'],
  ])('keeps names: %s, %s', (one, other) => {
    expect(whole({ destination: one })).not.toBe(whole({ destination: other }));
  });

  it('tells no address where reports do not', () => {
    const shown = shownOf(['addresses']);
    const of = (destination: string): string => fingerprintOf({ ...LEAK, destination }, shown);
    expect(of('10.0.0.1:6379')).toBe(of('10.0.0.2:6379'));
    expect(of('http://shop:80/a')).not.toBe(of('http://shop:80/b'));
  });
});
