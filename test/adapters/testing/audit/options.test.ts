import { describe, expect, it } from 'vitest';
import { AUDIT_DEFAULTS, resolveAuditOptions, type AuditOptions } from '../../../../src/testing/audit/options.js';
import { HANG_UP_MOMENTS } from '../../../../src/testing/hang-up/options.js';

const ROUTE = { method: 'GET', url: '/a', schema: undefined, config: {}, constraints: {} };

describe('the options of an audit', () => {
  it('have defaults', () => {
    const { filter, examples, headers, moments, ways, ...rest } = resolveAuditOptions();
    const { how, ...defaults } = AUDIT_DEFAULTS;
    expect(rest).toEqual(defaults);
    expect(ways).toEqual([how]);
    expect(moments).toEqual(HANG_UP_MOMENTS);
    expect([filter(ROUTE), examples.size, headers]).toEqual([true, 0, {}]);
    expect(Object.isFrozen(AUDIT_DEFAULTS)).toBe(true);
  });

  it('are put in order, each moment and how once', () => {
    const { moments, ways } = resolveAuditOptions({ moments: ['idle', 'connect', 'idle'], how: ['reset', 'fin'] });
    expect([moments, ways]).toEqual([
      ['connect', 'idle'],
      ['fin', 'reset'],
    ]);
  });

  it.each<[string, unknown, RegExp]>([
    [
      'an unknown one',
      { moment: 'idle' },
      /there is no option "moment"; the options are filter, examples, .*headRoutes/,
    ],
    ['no object', 7, /options is 7; it takes an object/],
    ['no moment', { moments: [] }, /option moments is \[array of 0\]; it takes an array of connect, /],
    ['another moment', { moments: ['idle', 'noon'] }, /option moments is "noon"; it takes an array of connect, /],
    ['one moment', { moments: 'idle' }, /option moments is "idle"; it takes an array of connect, /],
    [
      'another how',
      { how: 'politely' },
      /option how is "politely"; it takes one or an array of fin, close, reset, vanish/,
    ],
    [
      'too short a deadline',
      { deadlineMs: 0 },
      /option deadlineMs is 0; it takes a whole number of milliseconds from 1 to 600000/,
    ],
    ['half a run', { maxRuns: 1.5 }, /option maxRuns is 1\.5; it takes a whole number of runs from 1 to 1000000/],
    [
      'too many at once',
      { concurrency: 101 },
      /option concurrency is 101; it takes a whole number of runs from 1 to 100/,
    ],
    [
      'no time',
      { timeLimitMs: '1' },
      /option timeLimitMs is "1"; it takes a whole number of milliseconds from 1 to 86400000/,
    ],
    ['headRoutes', { headRoutes: 'yes' }, /option headRoutes is "yes"; it takes true or false/],
    ['no filter', { filter: [] }, /option filter is \[array of 0\]; it takes a function/],
    ['headers', { headers: { a: 1 } }, /option headers is \[Object\]; it takes an object of strings/],
    ['examples', { examples: [] }, /option examples is \[array of 0\]; it takes an object, as in/],
    ['an example', { examples: { 'GET /a': 1 } }, /option examples\["GET \/a"\] is 1; it takes an object \{ params/],
    [
      'a part of an example',
      { examples: { 'GET /a': { qeury: {} } } },
      /there is no option "examples\[\\"GET \/a\\"\]\.qeury"|qeury.*params, query, headers, body/,
    ],
    [
      'parameters of an example',
      { examples: { 'GET /a': { params: 1 } } },
      /option examples\["GET \/a"\]\.params is 1; it takes an object/,
    ],
  ])('%s is refused', (_name, options, message) => {
    expect(() => resolveAuditOptions(options as AuditOptions)).toThrow(
      expect.objectContaining({ code: 'CWG_ERR_OPTION', message: expect.stringMatching(message) }),
    );
  });

  it.each<[unknown, RegExp]>([
    [undefined, /option filter returned undefined for GET \/a; it takes true, false or a request/],
    [Promise.resolve(true), /option filter returned \[Promise\] for GET \/a; it takes true, false or a request/],
    [{ url: '/' }, /there is no option "url"; the options are path, headers, body; did you mean path\?$/],
    [
      { path: 'a' },
      /option filter returned a request with path "a" for GET \/a; it takes a path that starts with '\/'/,
    ],
    [
      { body: {} },
      /option filter returned a request with body \[Object\] for GET \/a; it takes a string, bytes, or a size in bytes/,
    ],
    [{ headers: 1 }, /option filter returned a request with headers 1 for GET \/a; it takes an object of strings/],
  ])('a filter that returns %o is told so', (answer, message) => {
    const { filter } = resolveAuditOptions({ filter: () => answer as boolean });
    expect(() => filter(ROUTE)).toThrow(
      expect.objectContaining({ code: 'CWG_ERR_OPTION', message: expect.stringMatching(message) }),
    );
  });
});
