import { readFileSync } from 'node:fs';
import channels from 'node:diagnostics_channel';
import { afterEach, describe, expect, it, vi } from 'vitest';

type Module = typeof import('../../src/base/shared-state.js');

/** The library as another installation of it would be loaded: every module of its own. */
async function anotherCopy(version?: string): Promise<Module> {
  vi.resetModules();
  if (version !== undefined) vi.doMock('../../src/base/version.js', () => ({ VERSION: version }));
  return import('../../src/base/shared-state.js');
}

afterEach(() => {
  vi.doUnmock('../../src/base/version.js');
});

describe('state that copies of the library share', () => {
  it('is one object, made by the copy that asks first', async () => {
    const [one, other] = [await anotherCopy(), await anotherCopy()];
    expect(one.shared).not.toBe(other.shared);
    const first = one.shared('test-part', () => ({ by: 'one' }));
    const second = other.shared('test-part', () => ({ by: 'other' }));
    expect(second()).toEqual({ by: 'other' });
    expect(first()).toBe(second());
  });

  it('is made when it is first needed, not on import', async () => {
    const create = vi.fn(() => ({}));
    const part = (await anotherCopy()).shared('test-late', create);
    expect(create).not.toHaveBeenCalled();
    expect(part()).toBe(part());
    expect(create).toHaveBeenCalledTimes(1);
  });

  it('changes nothing that a program sees of the core module it hangs on', async () => {
    (await anotherCopy()).shared('test-hidden', () => 1)();
    expect(Object.keys(channels)).not.toContain('close-wait-guard.state');
    expect(
      Object.getOwnPropertySymbols(channels).filter(
        (key) => Object.getOwnPropertyDescriptor(channels, key)?.enumerable,
      ),
    ).toEqual([]);
  });

  it('is not shared with another major version, which hears both paths', async () => {
    const [one, other] = [await anotherCopy(), await anotherCopy('7.0.0')];
    const first = one.shared('test-major', () => ({ by: 'one' }));
    expect(first()).toEqual({ by: 'one' });
    expect(other.shared('test-major', () => ({ by: 'other' }))()).toEqual({ by: 'other' });
    expect(first()).toEqual({ by: 'one' });
    expect(one.otherVersionInUse()).toBeUndefined();
    expect(other.otherVersionInUse()).toMatch(
      /^version 0\.\d+\.\d+ \(.+\) is in use .+ and this is version 7\.0\.0 \(.+\)/,
    );
  });

  it.each([
    ['1.2.3', '1.9.0', true],
    ['1.2.3', '2.0.0', false],
    ['0.1.0', '0.1.9', true],
    ['0.1.0', '0.2.0', false],
  ])('%s and %s fit: %s', async (one, other, expected) => {
    expect((await anotherCopy()).fits(one, other)).toBe(expected);
  });
});

it('names the version of package.json', async () => {
  const { VERSION } = await import('../../src/base/version.js');
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(VERSION).toBe(version);
});
