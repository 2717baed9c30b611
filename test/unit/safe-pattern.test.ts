import { describe, expect, it } from 'vitest';
import { safePattern } from '../../src/base/escape.js';
import { cpuMsOf } from '../support/cpu-time.js';

describe('the pattern of a route', () => {
  it.each([
    ['/items/:id', '/items/:id'],
    ['/files/*', '/files/*'],
    ['/a/:b?', '/a/:b?'],
    ['/a/:b?/c', '/a/:b?/c'],
    ['/a{/:b}', '/a{/:b}'],
    ['/a/:b(^[0-9]+$)', '/a/:b(^[0-9]+$)'],
    ['/a/(?:b|c)', '/a/(?:b|c)'],
    ['/a/(?=b)', '/a/(?=b)'],
    ['/a/:id(\\d+)', '/a/:id(%5Cd+)'],
    ['/items?token=secret', '/items'],
    ['/items/:id?list[0]=secret&x', '/items/:id'],
    ['/a b\n', '/a%20b%0A'],
    ['/\u202e"<>`\'', '/%E2%80%AE%22%3C%3E%60%27'],
    ['x'.repeat(201), `${'x'.repeat(200)}...`],
    ['', ''],
  ])('%j is %j', (pattern, safe) => {
    expect(safePattern(pattern)).toBe(safe);
  });

  it('takes time that grows with its length only', () => {
    const texts = ['?a'.repeat(1_000_000), `/?${'a'.repeat(2_000_000)}`];
    expect(cpuMsOf(() => texts.map(safePattern))).toBeLessThan(2_000);
  });
});
