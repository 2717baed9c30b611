import { describe, expect, it } from 'vitest';
import { FOLDED_SAMPLES, foldPath } from '../../src/base/fold.js';
import { cpuMsOf } from '../support/cpu-time.js';

describe('a path that no pattern is known for', () => {
  it.each([
    ['/users/7', '/users/:n'],
    ['/users/7/orders/12', '/users/:n/orders/:n'],
    ['/users/7.json', '/users/:n.json'],
    ['/users/497f6eca-6276-4993-bfeb-53cbbbba6f08', '/users/:uuid'],
    ['/USERS/497F6ECA-6276-4993-BFEB-53CBBBBA6F08/photo', '/USERS/:uuid/photo'],
    ['/objects/507f1f77bcf86cd799439011', '/objects/:hash'],
    ['/commits/0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33', '/commits/:hash'],
    ['/app.d41d8cd98f00b204e9800998ecf8427e.js', '/app.d41d8cd98f00b204e9800998ecf8427e.js'],
    ['/u/cjld2cjxh0000qzrmn831i7rn', '/u/:hash'],
    ['/u/01ARZ3NDEKTSV4RRFFQ69G5FAV', '/u/:hash'],
    ['/u/V1StGXR8_Z5jdHi6B-myT9', '/u/:hash'],
  ])('%s is %s', (path, folded) => {
    expect(foldPath(path)).toBe(folded);
  });

  it.each([
    '',
    '/',
    '*',
    'db.test:5432',
    '/users/me',
    '/v1/items',
    '/api/v2/',
    '/2fa',
    '/deadbeef',
    '/feedfacecafebeef',
    '/internationalization-and-accessibility',
    '/blog/my-2nd-post-of-2024-and-more',
    '/Blog/My-2nd-Post-Of-2024-And-More',
    '/1.2.3',
    '/100%25',
  ])('%s stays', (path) => {
    expect(foldPath(path)).toBe(path);
  });

  it('takes linear time', () => {
    const pieces = ['a-'.repeat(50_000), '1a'.repeat(50_000), 'aA1_-'.repeat(20_000), '/1'.repeat(50_000)];
    expect(cpuMsOf(() => pieces.map((piece) => foldPath(`/${piece}!`)))).toBeLessThan(500);
  });

  it('has a sample of each parameter, which would be folded to it', () => {
    for (const [name, sample] of Object.entries(FOLDED_SAMPLES)) expect(foldPath(`/${sample}`)).toBe(`/:${name}`);
  });
});
