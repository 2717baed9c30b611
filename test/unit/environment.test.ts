import { describe, expect, it } from 'vitest';
import { ENVIRONMENT_NAMES, isSwitchedOff, readSwitch, unknownNames } from '../../src/base/environment.js';
import { unsupportedRuntime } from '../../src/kernel/runtime.js';
import { readEnvironment } from '../../src/preload/environment.js';

describe('CLOSE_WAIT_GUARD', () => {
  it.each([
    [undefined, 'on'],
    ['', 'on'],
    ['on', 'on'],
    ['1', 'on'],
    ['TRUE', 'on'],
    ['off', 'off'],
    ['Off ', 'off'],
    ['0', 'off'],
    ['false', 'off'],
    ['disabled', 'neither'],
    ['no', 'neither'],
  ] as const)('%s is %s', (value, expected) => {
    const environment = value === undefined ? {} : { CLOSE_WAIT_GUARD: value };
    expect(readSwitch(environment)).toBe(expected);
    expect(isSwitchedOff(environment)).toBe(expected === 'off');
  });
});

describe('names of environment variables', () => {
  const nearest = (name: string): string | undefined => unknownNames({ [name]: 'x' })[0]?.known[0];

  it.each([
    ['CLOSE_WAIT_GUARD_TIMEOUT', 'CLOSE_WAIT_GUARD_TIMEOUT_MS'],
    ['CLOSE_WAIT_GUARD_LOGS', 'CLOSE_WAIT_GUARD_LOG'],
    ['CLOSE_WAIT_GUARD_LOGLEVEL', 'CLOSE_WAIT_GUARD_LOG_LEVEL'],
    ['CLOSE_WAIT_GUARD_METRIC_PORT', 'CLOSE_WAIT_GUARD_METRICS_PORT'],
    ['CLOSE_WAIT_GUARD_INTERVAL', 'CLOSE_WAIT_GUARD_INTERVAL_MS'],
    ['close_wait_guard_log', 'CLOSE_WAIT_GUARD_LOG'],
    ['CLOSE_WAIT_GUARD_', 'CLOSE_WAIT_GUARD'],
  ])('%s is not known, and the nearest that is comes first', (name, known) => {
    expect(nearest(name)).toBe(known);
    expect([...unknownNames({ [name]: 'x' })[0]!.known].sort()).toEqual([...ENVIRONMENT_NAMES]);
  });

  it.each([
    ...ENVIRONMENT_NAMES,
    'PATH',
    'CLOSE_WAIT',
    'CLOSE_WAIT_GUARDIAN',
    'MY_CLOSE_WAIT_GUARD_LOG',
    // Kubernetes and Docker: a service that is called close-wait-guard.
    'CLOSE_WAIT_GUARD_SERVICE_HOST',
    'CLOSE_WAIT_GUARD_SERVICE_PORT_HTTP',
    'CLOSE_WAIT_GUARD_PORT',
    'CLOSE_WAIT_GUARD_PORT_3000_TCP_ADDR',
  ])('%s is left alone', (name) => {
    expect(unknownNames({ [name]: 'x' })).toEqual([]);
  });

  it('are all read by the preload, but for the two that are read where the addon is loaded', () => {
    const read = new Set<string>();
    const environment = new Proxy(
      {},
      {
        get: (_target, name) => void read.add(String(name)),
      },
    );
    readEnvironment(environment, () => {});
    expect([...read, 'CLOSE_WAIT_GUARD', 'CLOSE_WAIT_GUARD_ADDON'].sort()).toEqual([...ENVIRONMENT_NAMES]);
  });
});

describe('other runtimes', () => {
  it.each([
    [{ node: '24.3.0', bun: '1.3.2' }, 'it reads the sockets of Node.js, and this is Bun 1.3.2'],
    [{ node: '22.4.1', deno: '2.5.0' }, 'it reads the sockets of Node.js, and this is Deno 2.5.0'],
    [{ node: '20.20.0', electron: '38.0.0' }, undefined],
    [process.versions, undefined],
  ])('%j', (versions, reason) => {
    expect(unsupportedRuntime(versions)).toBe(reason);
  });
});
