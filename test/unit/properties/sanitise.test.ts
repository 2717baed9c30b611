import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { safePath } from '../../../src/base/escape.js';
import { propertyRuns } from '../../support/property-runs.js';
import { cpuMsOf } from '../../support/cpu-time.js';

const SECRET = 'S3CRET';
const RUNS = propertyRuns(1_000);

/** Text around the secret: what is not printable, what separates, what is encoded already, cut anywhere. */
const noise = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'a',
        'Z',
        '7',
        '.',
        '-',
        '~',
        '=',
        '&',
        '*',
        '\u0000',
        '\n',
        '\u001b',
        '"',
        'é',
        '😀',
        '\u202e',
        '\ud800',
      ),
      fc.constantFrom('%40', '%3A', '%2F', '%3b', '%3F', '%23', '%25', '%252F', '%253A', '%2540', '%', '%zz', '%2'),
      fc.string({ maxLength: 3 }).map((text) => text.replace(/[/\\?#;@:%]/g, '')),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));
const secret = fc.tuple(noise, noise).map(([before, after]) => `${before}${SECRET}${after}`);
const times = fc.integer({ min: 0, max: 3 });
const encoded = (character: string): fc.Arbitrary<string> =>
  times.map((n) => (n === 0 ? character : `%${'25'.repeat(n - 1)}${character.charCodeAt(0).toString(16)}`));

const segment = noise.map((text) => text.replace(/%/g, ''));
const path = fc.array(segment, { maxLength: 4 }).map((segments) => segments.map((text) => `/${text}`).join(''));
const userinfo = fc.oneof(
  secret.map((password) => `me:${password}`),
  secret.map((name) => `${name}:x`),
  secret,
  fc.tuple(secret, secret).map(([name, password]) => `${name}:${password}`),
  fc.tuple(secret, secret).map(([name, rest]) => `${name}@${rest};${rest}`),
);
const at = encoded('@');

const targets: Record<string, fc.Arbitrary<string>> = {
  'the userinfo of an absolute form': fc
    .tuple(fc.constantFrom('http://', 'HTTPS://', 'ws://', 'http:/', 'http:\\\\', '//', '\\\\'), userinfo, at, path)
    .map(([scheme, user, sign, rest]) => `${scheme}${user}${sign}shop.test${rest}`),
  'the userinfo of an authority': fc.tuple(userinfo, at).map(([user, sign]) => `${user}${sign}shop.test:443`),
  'the userinfo of a URL in a path': fc
    .tuple(path, fc.constantFrom('/http://', '/https:/', '//'), userinfo, at, path)
    .map(([start, scheme, user, sign, rest]) => `${start}${scheme}${user}${sign}shop.test${rest}`),
  'the userinfo of an encoded URL': fc
    .tuple(path, userinfo, at, path)
    .map(([start, user, sign, rest]) => `${start}/${encodeURIComponent('http://')}${user}${sign}shop.test${rest}`),
  'a path parameter': fc
    .tuple(path, segment, encoded(';'), secret, path)
    .map(([start, text, sign, parameter, rest]) => `${start}/${text}${sign}jsessionid=${parameter}${rest}`),
  'the query': fc
    .tuple(path, encoded('?'), fc.array(secret, { minLength: 1, maxLength: 3 }))
    .map(([start, sign, query]) => `/${start}${sign}token=${query.join('&')}`),
  'the fragment': fc.tuple(path, encoded('#'), secret).map(([start, sign, text]) => `/${start}${sign}${text}`),
};

describe('of what a client sent', () => {
  it.each(Object.entries(targets))('%s reaches no log and no label', (_what, target) => {
    fc.assert(
      fc.property(target, (text) => {
        expect(safePath(text)).not.toContain(SECRET);
      }),
      RUNS,
    );
  });

  it('there is left what is printable, bounded and has no such parts', () => {
    const characters = fc.constantFrom(...Array.from('/\\?#;@:%25340fFbBcChtp.aé\n\u0000\ud83d"<'));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: characters, maxLength: 400 })), (text) => {
        const safe = safePath(text);
        expect(safe).toMatch(/^[\x21-\x7e]{0,203}$/);
        expect(safe).not.toMatch(/[?#;"'<>\\`]/);
        expect(safe.replaceAll('%5C', '/')).not.toMatch(/\/\/[^/]*@|:[^/]*@/);
      }),
      RUNS,
    );
  });

  it.each([
    ['slashes', '/'],
    ['authorities', '//a:b'],
    ['userinfo', 'a:@'],
    ['encodings of encodings', '25', '%'],
    ['percent signs', '%'],
    ['parameters', ';'],
    ['controls', '\n'],
    ['a path', 'a', '/'],
  ])('a megabyte of %s costs no more than to look at it', (_what, piece, start = '/') => {
    const text = start + piece.repeat(1_000_000 / piece.length);
    // What grows with the square of a megabyte takes minutes.
    expect(cpuMsOf(() => safePath(text))).toBeLessThan(1_000);
  });
});
