import { describe, expect, it } from 'vitest';
import { GUARD_ERROR_CODES, GuardError, inspectValue } from '../../src/base/errors.js';
import { LEAK_KINDS } from '../../src/base/vocabulary.js';
import { GUARD_DEFAULTS, resolveGuardOptions, type GuardOptions } from '../../src/guard/options.js';
import { readEnvironment } from '../../src/preload/environment.js';

describe('options', () => {
  it('are all optional, and undefined is the default', () => {
    const defaults = {
      closeWaitTimeout: 60_000,
      sampleInterval: 1_000,
      scope: 'process',
      maxReported: 1_000,
      traceRequests: Number.parseInt(process.versions.node, 10) >= 24,
      captureStacks: false,
      redact: [],
      ignore: [],
      onLeak: undefined,
    };
    expect(resolveGuardOptions()).toEqual(defaults);
    expect(resolveGuardOptions({})).toEqual(defaults);
    expect(resolveGuardOptions({ closeWaitTimeout: undefined, scope: undefined, onLeak: undefined })).toEqual(defaults);
    expect(Object.isFrozen(GUARD_DEFAULTS)).toBe(true);
  });

  it.each([
    { closeWaitTimeout: 1 },
    { closeWaitTimeout: 86_400_000 },
    { sampleInterval: 0 },
    { sampleInterval: 10 },
    { sampleInterval: 3_600_000 },
    { scope: 'watched' as const },
    { maxReported: 1 },
    { maxReported: 100_000 },
    { traceRequests: true },
    { captureStacks: true },
    { redact: ['addresses'] as const },
    { redact: [] },
    { onLeak: () => {} },
  ])('%j is taken', (options) => {
    expect(resolveGuardOptions(options)).toMatchObject(options);
  });

  const timeout = (value: string): string =>
    `close-wait-guard: option closeWaitTimeout is ${value}; it takes a whole number of milliseconds from 1 to 86400000`;
  const interval = (value: string): string =>
    `close-wait-guard: option sampleInterval is ${value}; it takes a whole number of milliseconds from 10 to 3600000, or 0 for on demand only`;
  const scope = (value: string): string =>
    `close-wait-guard: option scope is ${value}; it takes 'process' or 'watched'`;
  const reported = (value: string): string =>
    `close-wait-guard: option maxReported is ${value}; it takes a whole number of leaks from 1 to 100000`;
  const redact = (value: string): string =>
    `close-wait-guard: option redact is ${value}; it takes true, false or an array of 'addresses'`;
  const callback = (value: string): string =>
    `close-wait-guard: option onLeak is ${value}; it takes a function (leak, socket) => void`;
  const names =
    'closeWaitTimeout, sampleInterval, scope, maxReported, reclaim, ignore, traceRequests, captureStacks, redact, onLeak';

  it.each<[unknown, string]>([
    [{ closeWaitTimeout: 0 }, timeout('0')],
    [{ closeWaitTimeout: -1 }, timeout('-1')],
    [{ closeWaitTimeout: 1.5 }, timeout('1.5')],
    [{ closeWaitTimeout: Number.NaN }, timeout('NaN')],
    [{ closeWaitTimeout: Infinity }, timeout('Infinity')],
    [{ closeWaitTimeout: 86_400_001 }, timeout('86400001')],
    [{ closeWaitTimeout: '60000' }, timeout('"60000"')],
    [{ closeWaitTimeout: 5n }, timeout('5n')],
    [{ closeWaitTimeout: [] }, timeout('[array of 0]')],
    [{ closeWaitTimeout: {} }, timeout('[Object]')],
    [{ closeWaitTimeout: Symbol('x') }, timeout('Symbol(x)')],
    [{ sampleInterval: 9 }, interval('9')],
    [{ sampleInterval: -1 }, interval('-1')],
    [{ sampleInterval: 3_600_001 }, interval('3600001')],
    [{ sampleInterval: false }, interval('false')],
    [{ scope: 'all' }, scope('"all"')],
    [{ scope: 'x'.repeat(100) }, scope(`"${'x'.repeat(57)}..."`)],
    [{ scope: 'two\nlines' }, scope('"two\\nlines"')],
    [{ scope: 1 }, scope('1')],
    [{ maxReported: 0 }, reported('0')],
    [{ maxReported: 100_001 }, reported('100001')],
    [{ traceRequests: 1 }, 'close-wait-guard: option traceRequests is 1; it takes true or false'],
    [{ captureStacks: 'yes' }, 'close-wait-guard: option captureStacks is "yes"; it takes true or false'],
    [{ redact: 'addresses' }, redact('"addresses"')],
    [{ redact: ['addresses', 'routes'] }, redact('[array of 2]')],
    [{ onLeak: 'log' }, callback('"log"')],
    [{ onLeak: new Date(0) }, callback('[Date]')],
    [{ onLeak: Object.create(null) }, callback('[object]')],
    [{ timeout: 1 }, `close-wait-guard: there is no option "timeout"; the options are ${names}`],
    [
      { closewaittimeout: undefined },
      `close-wait-guard: there is no option "closewaittimeout"; the options are ${names}; did you mean closeWaitTimeout?`,
    ],
    [null, 'close-wait-guard: options is null; it takes an object'],
    [60_000, 'close-wait-guard: options is 60000; it takes an object'],
    [[], 'close-wait-guard: options is [array of 0]; it takes an object'],
    [() => {}, 'close-wait-guard: options is [function anonymous]; it takes an object'],
  ])('%o is refused', (options, message) => {
    const refused = catchError(() => resolveGuardOptions(options as never));
    expect(refused).toBeInstanceOf(GuardError);
    expect(refused).toMatchObject({ name: 'GuardError', code: 'CWG_ERR_OPTION', message });
  });

  it('null is a value, not the absence of one', () => {
    expect(() => resolveGuardOptions({ onLeak: null as never })).toThrow(callback('null'));
  });
});

describe('errors', () => {
  it('have codes of their own', () => {
    expect(new Set(GUARD_ERROR_CODES).size).toBe(GUARD_ERROR_CODES.length);
    for (const code of GUARD_ERROR_CODES) expect(code).toMatch(/^CWG_ERR_[A-Z_]+$/);
  });

  it('show a value on one short line', () => {
    expect(inspectValue('"\n\u001b')).toBe('"\\"\\n\\u001b"');
    expect(inspectValue(undefined)).toBe('undefined');
    expect(inspectValue(function named() {})).toBe('[function named]');
  });
});

describe('the environment of the preload', () => {
  function read(environment: Record<string, string>): {
    settings: ReturnType<typeof readEnvironment>;
    warnings: string[][];
  } {
    const warnings: string[][] = [];
    const settings = readEnvironment(environment, (name, message) => warnings.push([name, message]));
    return { settings, warnings };
  }
  const defaults = {
    closeWaitTimeout: 60_000,
    sampleInterval: 1_000,
    reclaim: false,
    redact: [],
    ignore: [],
    log: undefined,
    logLevel: 'info',
    metricsPort: undefined,
    otel: false,
  };

  it('may be empty, and empty values are none', () => {
    expect(read({})).toEqual({ settings: defaults, warnings: [] });
    expect(
      read({
        CLOSE_WAIT_GUARD_TIMEOUT_MS: '',
        CLOSE_WAIT_GUARD_INTERVAL_MS: '',
        CLOSE_WAIT_GUARD_LOG: '',
        CLOSE_WAIT_GUARD_METRICS_PORT: '',
        CLOSE_WAIT_GUARD_RECLAIM: '0',
        CLOSE_WAIT_GUARD_REDACT: '',
        CLOSE_WAIT_GUARD_IGNORE: '',
        CLOSE_WAIT_GUARD_LOG_LEVEL: '',
        CLOSE_WAIT_GUARD_OTEL: '',
      }),
    ).toEqual({ settings: defaults, warnings: [] });
  });

  it.each([
    ['CLOSE_WAIT_GUARD_TIMEOUT_MS', '500', { closeWaitTimeout: 500 }],
    ['CLOSE_WAIT_GUARD_REDACT', '1', { redact: ['addresses'] }],
    ['CLOSE_WAIT_GUARD_REDACT', 'addresses', { redact: ['addresses'] }],
    ['CLOSE_WAIT_GUARD_REDACT', '0', { redact: [] }],
    ['CLOSE_WAIT_GUARD_IGNORE', 'cause=paused', { ignore: [{ cause: 'paused' }] }],
    [
      'CLOSE_WAIT_GUARD_IGNORE',
      'route=POST /legacy/*, until=2027-01-01 ; destination=http://inventory:80/a=b;',
      { ignore: [{ route: 'POST /legacy/*', until: '2027-01-01' }, { destination: 'http://inventory:80/a=b' }] },
    ],
    ['CLOSE_WAIT_GUARD_LOG_LEVEL', 'warn', { logLevel: 'warn' }],
    ['CLOSE_WAIT_GUARD_LOG_LEVEL', 'off', { logLevel: 'off' }],
    ['CLOSE_WAIT_GUARD_INTERVAL_MS', '10', { sampleInterval: 10 }],
    ['CLOSE_WAIT_GUARD_RECLAIM', '1', { reclaim: true }],
    ['CLOSE_WAIT_GUARD_OTEL', '1', { otel: true }],
    ['CLOSE_WAIT_GUARD_LOG', 'leaks.jsonl', { log: 'leaks.jsonl' }],
    ['CLOSE_WAIT_GUARD_METRICS_PORT', '65535', { metricsPort: 65_535 }],
  ])('%s=%s', (name, value, expected) => {
    expect(read({ [name]: value })).toEqual({ settings: { ...defaults, ...expected }, warnings: [] });
  });

  const milliseconds = (range: string, used: string): string =>
    `it takes a whole number of milliseconds from ${range}; ${used} is used`;

  it.each([
    ...['0', '-5', '1e3', ' 7', '86400001', '0x10', 'soon', '9999999999999'].map((value) => [
      'CLOSE_WAIT_GUARD_TIMEOUT_MS',
      value,
      milliseconds('1 to 86400000', '60000'),
    ]),
    ...['9', '3600001', '1.5'].map((value) => [
      'CLOSE_WAIT_GUARD_INTERVAL_MS',
      value,
      milliseconds('10 to 3600000', '1000'),
    ]),
    ...['0', '65536', 'http'].map((value) => [
      'CLOSE_WAIT_GUARD_METRICS_PORT',
      value,
      'it takes a port number from 1 to 65535; it is left out',
    ]),
  ] as [string, string, string][])('%s=%s is named, and its default stands', (name, value, takes) => {
    expect(read({ [name]: value })).toEqual({
      settings: defaults,
      warnings: [[name, `${name} is ${JSON.stringify(value)}; ${takes}`]],
    });
  });

  it('leaves out everything where CLOSE_WAIT_GUARD_REDACT cannot be taken', () => {
    expect(read({ CLOSE_WAIT_GUARD_REDACT: 'adresses' })).toEqual({
      settings: { ...defaults, redact: ['addresses'] },
      warnings: [
        ['CLOSE_WAIT_GUARD_REDACT', 'CLOSE_WAIT_GUARD_REDACT is "adresses"; it takes 1, 0 or addresses; 1 is used'],
      ],
    });
  });

  it.each([
    [
      'cause=pausd',
      /^CLOSE_WAIT_GUARD_IGNORE is ".*": option rules\[0\]\.cause is "pausd"; it takes 'never-read' or .*; nothing is ignored$/,
    ],
    [
      'cause=paused;rout=/x',
      /^CLOSE_WAIT_GUARD_IGNORE is ".*": there is no option "rules\[1\]\.rout"; .*; nothing is ignored$/,
    ],
    ['cause=paused,until=tomorrow', /^CLOSE_WAIT_GUARD_IGNORE is ".*": option rules\[0\]\.until is "tomorrow"; /],
    [
      'until=2027-01-01',
      /^CLOSE_WAIT_GUARD_IGNORE is ".*": option rules\[0\] is \[Object\]; .*: this one fits every leak; nothing is ignored$/,
    ],
    ['/legacy', /^CLOSE_WAIT_GUARD_IGNORE is ".*": there is no option "rules\[0\]\.\/legacy"; /],
  ])('ignores nothing where CLOSE_WAIT_GUARD_IGNORE is %j', (value, message) => {
    expect(read({ CLOSE_WAIT_GUARD_IGNORE: value })).toEqual({
      settings: defaults,
      warnings: [['CLOSE_WAIT_GUARD_IGNORE', expect.stringMatching(message)]],
    });
  });

  it('takes info, warn or off for CLOSE_WAIT_GUARD_LOG_LEVEL', () => {
    expect(read({ CLOSE_WAIT_GUARD_LOG_LEVEL: 'debug' })).toEqual({
      settings: defaults,
      warnings: [
        ['CLOSE_WAIT_GUARD_LOG_LEVEL', 'CLOSE_WAIT_GUARD_LOG_LEVEL is "debug"; it takes info, warn, off; info is used'],
      ],
    });
  });

  it('takes 1 or 0 for CLOSE_WAIT_GUARD_RECLAIM', () => {
    expect(read({ CLOSE_WAIT_GUARD_RECLAIM: 'true' })).toEqual({
      settings: defaults,
      warnings: [['CLOSE_WAIT_GUARD_RECLAIM', 'CLOSE_WAIT_GUARD_RECLAIM is "true"; it takes 1 or 0; 0 is used']],
    });
  });
});

describe('the reclaim option', () => {
  const resolveReclaim = (reclaim: GuardOptions['reclaim']): unknown => resolveGuardOptions({ reclaim }).reclaim;

  it('is off unless asked for', () => {
    expect(resolveReclaim(undefined)).toBeUndefined();
    expect(resolveReclaim(false)).toBeUndefined();
  });

  it('destroys every kind at once when it is just true', () => {
    expect(resolveReclaim(true)).toEqual({ afterMs: 0, kinds: new Set(LEAK_KINDS), filter: undefined });
    expect(resolveReclaim({})).toEqual(resolveReclaim(true));
  });

  it('takes a delay, kinds and a filter', () => {
    const filter = (): boolean => true;
    expect(resolveReclaim({ afterMs: 500, kinds: ['reset'], filter })).toEqual({
      afterMs: 500,
      kinds: new Set(['reset']),
      filter,
    });
  });

  it.each<[unknown, string]>([
    ['yes', `option reclaim is "yes"; it takes true, false or an object { afterMs, kinds, filter }`],
    [[], `option reclaim is [array of 0]; it takes true, false or an object { afterMs, kinds, filter }`],
    [{ after: 1 }, `there is no option "reclaim.after"; the options are afterMs, kinds, filter`],
    [{ afterMs: -1 }, `option reclaim.afterMs is -1; it takes a whole number of milliseconds from 0 to 86400000`],
    [{ kinds: [] }, `option reclaim.kinds is [array of 0]; it takes an array of close-wait, reset, stalled`],
    [{ kinds: ['closed'] }, `option reclaim.kinds is [array of 1]; it takes an array of close-wait, reset, stalled`],
    [{ filter: true }, `option reclaim.filter is true; it takes a function (leak) => boolean`],
  ])('%j is refused', (option, message) => {
    expect(catchError(() => resolveReclaim(option as never))).toMatchObject({
      code: 'CWG_ERR_OPTION',
      message: `close-wait-guard: ${message}`,
    });
  });
});

function catchError(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
