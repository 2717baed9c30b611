import { afterEach, describe, expect, it, vi } from 'vitest';
import { GuardError } from '../../src/base/errors.js';
import { routePattern, wildcard } from '../../src/base/wildcard.js';
import { IgnoreRules, readRules, type Ignorable } from '../../src/guard/ignore.js';
import { resolveGuardOptions } from '../../src/guard/options.js';

const LEAK: Ignorable = {
  cause: 'paused',
  method: 'POST',
  route: '/legacy/items/:id',
  server: 'http:8080',
  destination: undefined,
  fingerprint: '0123456789ab',
};

function ignored(rules: unknown, leak: Ignorable = LEAK): boolean {
  return new IgnoreRules(readRules(rules, 'ignore')).has(leak);
}

describe('a wildcard', () => {
  it.each([
    ['/a', '/a', true],
    ['/a', '/ab', false],
    ['*', '', true],
    ['/a/*', '/a/', true],
    ['/a/*', '/a', false],
    ['/a/*', '/a/*', true],
    ['*/x', '/a/x', true],
    ['/a/*/c', '/a/b/c', true],
    ['/a/*/c', '/a/c', false],
    ['a*a', 'a', false],
    ['*a*b*', 'xaxbx', true],
    ['*a*b*', 'xbxax', false],
    ['.', 'x', false],
  ])('%s and %s: %s', (pattern, text, expected) => {
    expect(wildcard(pattern)(text)).toBe(expected);
  });

  it('fits nothing where there is nothing', () => {
    expect(wildcard('*')(undefined)).toBe(false);
  });

  it('of a route may have a method in front', () => {
    const fits = routePattern('POST /items/*')!;
    expect(fits({ method: 'POST', route: '/items/7' })).toBe(true);
    expect(fits({ method: 'GET', route: '/items/7' })).toBe(false);
    for (const bad of ['', 'items', 'post /items', 'POST  /items', '/a b', 7, undefined, `/${'x'.repeat(300)}`])
      expect(routePattern(bad), String(bad)).toBeUndefined();
  });
});

describe('ignore', () => {
  it.each([
    [[{ route: '/legacy/*' }], true],
    [[{ route: '/legacy/items/:id' }], true],
    [[{ route: 'POST /legacy/*' }], true],
    [[{ route: 'GET /legacy/*' }], false],
    [[{ route: '/legacy' }], false],
    [[{ cause: 'paused' }], true],
    [[{ cause: 'never-read' }], false],
    [[{ server: 'http:*' }], true],
    [[{ server: 'https:*' }], false],
    [[{ destination: '*' }], false],
    [[{ fingerprint: '0123456789ab' }], true],
    [[{ fingerprint: '0123456789ac' }], false],
    [[{ route: '/legacy/*', cause: 'never-read' }], false],
    [[{ cause: 'never-read' }, { route: '/legacy/*' }], true],
    [[{ cause: 'paused', until: undefined }], true],
    [[], false],
  ])('%j: %s', (rules, expected) => {
    expect(ignored(rules)).toBe(expected);
  });

  it.each<[unknown, string]>([
    [{}, 'option ignore is [Object]; it takes an array of rules'],
    ['paused', 'option ignore is "paused"; it takes an array of rules'],
    [[() => true], 'option ignore[0] is [function anonymous]; it takes an object { route, cause,'],
    [[{ cause: 'paused' }, {}], 'option ignore[1] is [Object]; it takes an object { route, cause, server,'],
    [[{ until: '2027-01-01' }], 'this one fits every leak'],
    [[{ cause: undefined }], 'this one fits every leak'],
    [[{ cause: 'pausd' }], `option ignore[0].cause is "pausd"; it takes 'never-read' or`],
    [[{ cause: 'paused' }, { rout: '/x' }], 'there is no option "ignore[1].rout"; the options are route, cause,'],
    [[{ route: 'legacy/*' }], 'option ignore[0].route is "legacy/*"; it takes a route as reports have it'],
    [[{ server: '' }], 'option ignore[0].server is ""; it takes a text'],
    [[{ fingerprint: 'ABC' }], 'option ignore[0].fingerprint is "ABC"; it takes a fingerprint of a report'],
    ...[
      'soon',
      '2027-1-1',
      '2027-02-30',
      '2027-13-01',
      '2027-01-01T10:00',
      1_800_000_000_000,
      new Date(Number.NaN),
    ].map((until): [unknown, string] => [
      [{ cause: 'paused' }, { cause: 'paused', until }],
      'option ignore[1].until is ',
    ]),
  ])('%j is refused', (ignore, message) => {
    let refused: unknown;
    try {
      resolveGuardOptions({ ignore: ignore as never });
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(GuardError);
    expect(refused).toMatchObject({ code: 'CWG_ERR_OPTION', message: expect.stringContaining(message) });
  });
});

describe('a rule with a date', () => {
  afterEach(() => vi.restoreAllMocks());

  it.each(['2000-02-29', '2000-01-01T00:00Z', '2000-01-01T00:00:00.000+02:00', new Date(0)])(
    'has no effect from then on, and a warning says so once: %s',
    (until) => {
      const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
      const rules = new IgnoreRules(
        readRules([{ cause: 'paused', until }, { route: '/other' }], `ignore ${String(until)} `),
      );
      expect(rules.takeEnded()).toBe(true);
      expect(rules.has(LEAK)).toBe(false);
      expect(rules.none).toBe(false);
      expect(rules.takeEnded()).toBe(false);
      expect(warned.mock.calls).toEqual([
        [
          expect.stringMatching(
            /^close-wait-guard: ignore .*\[0\] \(cause paused\) ended at .*: what it kept back is told/,
          ),
          { type: 'CloseWaitGuardWarning', code: 'CWG_WARN_IGNORE_ENDED' },
        ],
      ]);
    },
  );

  it('holds until then', () => {
    const rules = new IgnoreRules(readRules([{ cause: 'paused', until: '2100-01-01' }], 'ignore'));
    expect(rules.takeEnded()).toBe(false);
    expect(rules.has(LEAK)).toBe(true);
  });
});
