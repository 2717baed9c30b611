import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './binding.js';

const sourcesIn = (folder: string): string[] =>
  readdirSync(path.join(root, folder))
    .filter((name) => /\.(cc|h)$/.test(name))
    .map((name) => `${folder}/${name}`);

const text = (file: string): string => readFileSync(path.join(root, file), 'utf8');

const includesOf = (file: string): string[] =>
  [...text(file).matchAll(/^#include ["<](.+)[">]/gm)].map(([, included]) => included!);

const NEUTRAL = ['native/unique_fd.h', 'native/syscall.h', 'native/cookie_set.h', 'native/watch_registry.h'];

describe('the sources of the addon', () => {
  it('are at most 250 lines long', () => {
    const long = [...sourcesIn('native'), ...sourcesIn('native/linux')].filter(
      (file) => text(file).split('\n').length > 250,
    );
    expect(long).toEqual([]);
  });

  it.each(sourcesIn('native/linux'))('%s knows neither Node-API nor the marshalling', (file) => {
    const outside = includesOf(file).filter((included) => included.startsWith('../'));
    expect(NEUTRAL).toEqual(
      expect.arrayContaining(outside.map((included) => path.posix.join('native/linux', included))),
    );
    expect(includesOf(file)).not.toContain('napi.h');
  });

  it('that use Node-API are the marshalling', () => {
    expect(sourcesIn('native').filter((file) => includesOf(file).includes('napi.h'))).toEqual([
      'native/addon.cc',
      'native/arguments.h',
      'native/methods.h',
      'native/watch_class.h',
    ]);
  });
});
