import { describe, expect, it } from 'vitest';
import { DUMP_FIELDS, RECORD_FIELDS } from '../../src/kernel/native.js';
import { binding, ENDPOINT_BYTES } from './binding.js';

const watch = new binding.HalfCloseWatch();

/** The addon as a caller without TypeScript sees it. */
const functions = binding as unknown as Record<string, (...args: unknown[]) => unknown>;
const methods = watch as unknown as Record<string, (...args: unknown[]) => unknown>;

function call(name: string, ...args: unknown[]): unknown {
  const method = name.replace(/^HalfCloseWatch\./, '');
  return method === name ? functions[name]!(...args) : methods[method]!(...args);
}

function detached<T extends { readonly buffer: ArrayBufferLike }>(array: T): T {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

const f64 = (length: number) => new Float64Array(length);
const u64 = (length: number) => new BigUint64Array(length);
const i32 = (length: number) => new Int32Array(length);
const u32 = (length: number) => new Uint32Array(length);
const u16 = (length: number) => new Uint16Array(length);
const u8 = (length: number) => new Uint8Array(length);

/** What each function takes, in order: a good value, and what messages say of it. */
interface Parameter {
  readonly name: string;
  readonly good: () => unknown;
  readonly takes: string;
}
const signatures: Record<string, Parameter[]> = {
  readSockets: [
    { name: 'fds', good: () => i32(2), takes: 'an Int32Array' },
    { name: 'count', good: () => 2, takes: 'an integer from 0 to 2' },
    { name: 'values', good: () => f64(2 * RECORD_FIELDS.length), takes: 'a Float64Array of at least 26 elements' },
    { name: 'cookies', good: () => u64(2), takes: 'a BigUint64Array of at least 2 elements' },
  ],
  readEndpoints: [
    { name: 'fds', good: () => i32(2), takes: 'an Int32Array' },
    { name: 'count', good: () => 2, takes: 'an integer from 0 to 2' },
    { name: 'endpoints', good: () => u8(2 * ENDPOINT_BYTES), takes: 'a Uint8Array of at least 80 elements' },
  ],
  formatAddress: [
    { name: 'address', good: () => u8(40), takes: 'a Uint8Array of at least 16 elements' },
    { name: 'offset', good: () => 24, takes: 'an integer from 0 to 24' },
    { name: 'family', good: () => 6, takes: 'an integer from 4 to 6' },
  ],
  listTcpFds: [
    { name: 'from', good: () => 0, takes: 'an integer from 0 to 2147483647' },
    { name: 'to', good: () => 8, takes: 'an integer from 0 to 2147483647' },
    { name: 'fds', good: () => i32(3), takes: 'an Int32Array of at least 1 element' },
    { name: 'cookies', good: () => u64(3), takes: 'a BigUint64Array of at least 3 elements' },
  ],
  visitUnknownTcpFds: [
    { name: 'from', good: () => 0, takes: 'an integer from 0 to 2147483647' },
    { name: 'known', good: () => u8(8), takes: 'a Uint8Array' },
    { name: 'fds', good: () => i32(3), takes: 'an Int32Array of at least 1 element' },
    { name: 'cookies', good: () => u64(3), takes: 'a BigUint64Array of at least 3 elements' },
    { name: 'next', good: () => i32(1), takes: 'an Int32Array of at least 1 element' },
  ],
  findWatched: [
    { name: 'cookies', good: () => u64(2), takes: 'a BigUint64Array' },
    { name: 'watched', good: () => u8(2), takes: 'a Uint8Array of at least 2 elements' },
  ],
  dumpSockets: [
    { name: 'stateMask', good: () => 2, takes: 'an integer from 0 to 4294967295' },
    { name: 'ports', good: () => u16(1), takes: 'a Uint16Array' },
    { name: 'values', good: () => f64(2 * DUMP_FIELDS.length), takes: 'a Float64Array' },
    { name: 'cookies', good: () => u64(2), takes: 'a BigUint64Array of at least 2 elements' },
  ],
  abortOnClose: [
    { name: 'fd', good: () => 1, takes: 'an integer from 0 to 2147483647' },
    { name: 'cookie', good: () => u64(1), takes: 'a BigUint64Array of at least 1 element' },
  ],
  shutDown: [
    { name: 'fd', good: () => 1, takes: 'an integer from 0 to 2147483647' },
    { name: 'cookie', good: () => u64(1), takes: 'a BigUint64Array of at least 1 element' },
  ],
  writeNow: [
    { name: 'fd', good: () => 1_000_000, takes: 'an integer from 0 to 2147483647' },
    { name: 'bytes', good: () => u8(1), takes: 'a Uint8Array of at least 1 element' },
  ],
  listProcessFds: [
    { name: 'pid', good: () => process.pid, takes: 'an integer from 1 to 2147483647' },
    { name: 'fds', good: () => i32(2), takes: 'an Int32Array' },
    { name: 'kinds', good: () => u8(2), takes: 'a Uint8Array of at least 2 elements' },
    { name: 'inodes', good: () => f64(2), takes: 'a Float64Array of at least 2 elements' },
  ],
  readProcessSockets: [
    { name: 'pid', good: () => process.pid, takes: 'an integer from 1 to 2147483647' },
    { name: 'fds', good: () => i32(2).fill(-1), takes: 'an Int32Array' },
    { name: 'count', good: () => 2, takes: 'an integer from 0 to 2' },
    { name: 'inodes', good: () => f64(2), takes: 'a Float64Array of at least 2 elements' },
    { name: 'values', good: () => f64(2 * RECORD_FIELDS.length), takes: 'a Float64Array of at least 26 elements' },
    { name: 'cookies', good: () => u64(2), takes: 'a BigUint64Array of at least 2 elements' },
    { name: 'endpoints', good: () => u8(2 * ENDPOINT_BYTES), takes: 'a Uint8Array of at least 80 elements' },
  ],
  lookInto: [
    { name: 'pid', good: () => process.pid, takes: 'an integer from 1 to 2147483647' },
    { name: 'fds', good: () => i32(2), takes: 'an Int32Array' },
    { name: 'kinds', good: () => u8(2), takes: 'a Uint8Array of at least 2 elements' },
    { name: 'inodes', good: () => f64(2), takes: 'a Float64Array of at least 2 elements' },
    { name: 'listed', good: () => u8(2), takes: 'a Uint8Array of at least 2 elements' },
    { name: 'stateMask', good: () => 2, takes: 'an integer from 0 to 4294967295' },
    { name: 'values', good: () => f64(2 * DUMP_FIELDS.length), takes: 'a Float64Array' },
    { name: 'cookies', good: () => u64(2), takes: 'a BigUint64Array of at least 2 elements' },
    { name: 'endpoints', good: () => u8(2 * ENDPOINT_BYTES), takes: 'a Uint8Array of at least 80 elements' },
    { name: 'fdOf', good: () => i32(2), takes: 'an Int32Array of at least 2 elements' },
    { name: 'idle', good: () => f64(0), takes: 'a Float64Array' },
    { name: 'counts', good: () => f64(4), takes: 'a Float64Array of at least 4 elements' },
    { name: 'namespaceOf', good: () => 0, takes: 'an integer from 0 to 2147483647' },
  ],
  // The fifth of dumpSockets, `endpoints`, may be left out: see below.
  'HalfCloseWatch.add': [
    { name: 'fds', good: () => i32(2), takes: 'an Int32Array' },
    { name: 'count', good: () => 2, takes: 'an integer from 0 to 2' },
    { name: 'cookies', good: () => u64(2), takes: 'a BigUint64Array of at least 2 elements' },
    { name: 'errnos', good: () => i32(2), takes: 'an Int32Array of at least 2 elements' },
  ],
  'HalfCloseWatch.forget': [{ name: 'cookies', good: () => u64(2), takes: 'a BigUint64Array' }],
  'HalfCloseWatch.drain': [
    { name: 'cookies', good: () => u64(4), takes: 'a BigUint64Array of at least 1 element' },
    { name: 'events', good: () => u32(4), takes: 'a Uint32Array of at least 4 elements' },
  ],
};

const notNumbers: [unknown, string][] = [
  [undefined, 'undefined'],
  [null, 'null'],
  ['1', 'a string'],
  [1n, 'a bigint'],
  [true, 'true'],
  [{ valueOf: () => 1 }, 'an object'],
];
const badNumbers: [number, string][] = [
  [NaN, 'NaN'],
  [Infinity, 'Infinity'],
  [-Infinity, '-Infinity'],
  [-1, '-1'],
  [1.5, '1.5'],
  [2 ** 53, '9007199254740992'],
];
const notArrays: [unknown, string][] = [
  [undefined, 'undefined'],
  [null, 'null'],
  [7, '7'],
  [false, 'false'],
  ['\x1b[2J', 'a string'],
  [Symbol('x'), 'a symbol'],
  [() => 1, 'a function'],
  [[1, 2], 'an array'],
  [{ length: 4 }, 'an object'],
  [new DataView(new ArrayBuffer(64)), 'an object'],
  [new ArrayBuffer(64), 'an object'],
  [new Int16Array(64), 'an Int16Array'],
  [new BigInt64Array(64), 'a BigInt64Array'],
  [new Uint8ClampedArray(64), 'a Uint8ClampedArray'],
  [new Float32Array(64), 'a Float32Array'],
];

interface Misuse {
  readonly name: string;
  readonly args: () => unknown[];
  readonly error: 'TypeError' | 'RangeError';
  readonly message: string;
}

/** Every function, each parameter in turn replaced by everything that is not what it takes. */
const misuses = Object.entries(signatures).flatMap(([name, parameters]) =>
  parameters.flatMap((parameter, index): Misuse[] => {
    const instead = (make: () => unknown, error: Misuse['error'], got: string): Misuse => ({
      name,
      args: () => parameters.map(({ good }, i) => (i === index ? make() : good())),
      error,
      message: `${name}: ${parameter.name} must be ${parameter.takes}, got ${got}`,
    });
    const good = parameter.good();
    if (typeof good === 'number') {
      return [
        ...notNumbers.map(([value, got]) => instead(() => value, 'TypeError', got)),
        ...badNumbers.map(([value, got]) => instead(() => value, 'RangeError', got)),
      ];
    }
    const Array = (good as Int32Array).constructor as new (length: number) => Int32Array;
    const least = Number(/at least (\d+)/.exec(parameter.takes)?.[1] ?? 0);
    return [
      ...notArrays.map(([value, got]) => instead(() => value, 'TypeError', got)),
      instead(() => detached(new Array(64)), 'RangeError', 'a detached one'),
      ...(least > 0 ? [instead(() => new Array(least - 1), 'RangeError', `one of length ${least - 1}`)] : []),
    ];
  }),
);

describe('what is not taken', () => {
  it.each(misuses.map((misuse) => ({ ...misuse, title: misuse.message })))(
    '$title',
    ({ name, args, error, message }) => {
      expect(() => call(name, ...args())).toThrow(
        expect.objectContaining({ name: error, message, code: 'CWG_ERR_NATIVE_ARGUMENT' }),
      );
    },
  );

  it.each<[string, unknown[], string]>([
    ['readSockets', [i32(2), 3, f64(99), u64(9)], 'count must be an integer from 0 to 2, got 3'],
    ['readSockets', [i32(0), 1, f64(99), u64(9)], 'count must be an integer from 0 to 0, got 1'],
    ['readEndpoints', [i32(2), 3, u8(999)], 'count must be an integer from 0 to 2, got 3'],
    ['HalfCloseWatch.add', [i32(2), 3, u64(9), i32(9)], 'count must be an integer from 0 to 2, got 3'],
    ['listTcpFds', [0, 2 ** 31, i32(1), u64(1)], 'to must be an integer from 0 to 2147483647, got 2147483648'],
    ['listTcpFds', [5, 4, i32(1), u64(1)], 'to must be an integer from 5 to 2147483647, got 4'],
    [
      'dumpSockets',
      [2 ** 32, u16(0), f64(DUMP_FIELDS.length), u64(1)],
      'stateMask must be an integer from 0 to 4294967295, got 4294967296',
    ],
    ['dumpSockets', [2, u16(0), f64(DUMP_FIELDS.length), u64(1), undefined, false, 5], 'family must be 4 or 6, got 5'],
    [
      'dumpSockets',
      [2, u16(0), f64(DUMP_FIELDS.length), u64(1), undefined, false, 7],
      'family must be an integer from 4 to 6, got 7',
    ],
    [
      'dumpSockets',
      [2, u16(0), f64(DUMP_FIELDS.length), u64(1), undefined, false, undefined, 0],
      'namespaceOf must be an integer from 1 to 2147483647, got 0',
    ],
    ['listProcessFds', [0, i32(1), u8(1), f64(1)], 'pid must be an integer from 1 to 2147483647, got 0'],
    ['formatAddress', [u8(40), 25, 4], 'offset must be an integer from 0 to 24, got 25'],
    ['formatAddress', [u8(16), 1, 4], 'offset must be an integer from 0 to 0, got 1'],
    ['formatAddress', [u8(16), 0, 5], 'family must be 4 or 6, got 5'],
    ['formatAddress', [u8(16), 0, 2], 'family must be an integer from 4 to 6, got 2'],
    ['formatAddress', [u8(16), 0, 10], 'family must be an integer from 4 to 6, got 10'],
  ])('%s out of range: %#', (name, args, message) => {
    expect(() => call(name, ...args)).toThrow(
      expect.objectContaining({ name: 'RangeError', message: `${name}: ${message}`, code: 'CWG_ERR_NATIVE_ARGUMENT' }),
    );
  });

  it.each<[unknown, string, string]>([
    [null, 'TypeError', 'null'],
    [new Uint8ClampedArray(80), 'TypeError', 'a Uint8ClampedArray'],
    [u8(79), 'RangeError', 'one of length 79'],
    [detached(u8(80)), 'RangeError', 'a detached one'],
  ])('dumpSockets: optional endpoints that are no room for two rows: %#', (endpoints, name, got) => {
    const message = `dumpSockets: endpoints must be a Uint8Array of at least 80 elements, got ${got}`;
    expect(() => call('dumpSockets', 2, u16(0), f64(2 * DUMP_FIELDS.length), u64(2), endpoints)).toThrow(
      expect.objectContaining({ name, message, code: 'CWG_ERR_NATIVE_ARGUMENT' }),
    );
  });

  it('no argument at all', () => {
    for (const [name, [first]] of Object.entries(signatures)) {
      const message = `${name}: ${first!.name} must be ${first!.takes}, got undefined`;
      expect(() => call(name)).toThrow(expect.objectContaining({ message, code: 'CWG_ERR_NATIVE_ARGUMENT' }));
    }
  });

  it('HalfCloseWatch without new', () => {
    expect(() => functions.HalfCloseWatch!()).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message: 'HalfCloseWatch: must be called with new, got a plain call',
        code: 'CWG_ERR_NATIVE_ARGUMENT',
      }),
    );
  });

  it('a method on what is no watch (refused by the engine, before the addon is asked)', () => {
    for (const method of ['add', 'drain', 'close']) {
      for (const receiver of [{}, undefined, Object.create(watch) as unknown, new Proxy(watch, {})]) {
        expect(() => Reflect.apply(methods[method]!, receiver, [])).toThrow(TypeError);
      }
    }
  });

  it('getters and conversions of what is passed never run', () => {
    let ran = 0;
    const trap = new Proxy({}, { get: () => ran++, has: () => (ran++, true), getPrototypeOf: () => (ran++, null) });
    for (const [name, parameters] of Object.entries(signatures)) {
      parameters.forEach((_, index) => {
        const args = parameters.map(({ good }, i) => (i === index ? trap : good()));
        expect(() => call(name, ...args)).toThrow(expect.objectContaining({ code: 'CWG_ERR_NATIVE_ARGUMENT' }));
      });
    }
    expect(ran).toBe(0);
  });
});

describe('what is taken', () => {
  it.each(Object.entries(signatures))('%s with every argument good', (name, parameters) => {
    expect(() => call(name, ...parameters.map(({ good }) => good()))).not.toThrow();
  });

  it('more arguments than there are parameters', () => {
    expect(binding.formatAddress(...([u8(16), 0, 4, 'more'] as unknown as [Uint8Array, number, number]))).toBe(
      '0.0.0.0',
    );
  });

  it('views into a buffer, a Buffer, shared memory: written where the view is and nowhere else', () => {
    const buffer = new ArrayBuffer(8 * 40);
    const values = new Float64Array(buffer, 8 * 8, RECORD_FIELDS.length);
    binding.readSockets(Int32Array.of(-1), 1, values, u64(1));
    const all = [...new Float64Array(buffer)];
    expect(all.slice(0, 8)).toEqual(f64(8).reduce<number[]>((zeros) => [...zeros, 0], []));
    expect(all.slice(8, 8 + RECORD_FIELDS.length).every((value) => value !== 0)).toBe(true);
    expect(all.slice(8 + RECORD_FIELDS.length).every((value) => value === 0)).toBe(true);

    expect(binding.formatAddress(Buffer.from([9, 127, 0, 0, 1, ...u8(20)]), 1, 4)).toBe('127.0.0.1');
    const shared = new BigUint64Array(new SharedArrayBuffer(8)).fill(9n);
    expect(binding.readSockets(Int32Array.of(-1), 1, f64(RECORD_FIELDS.length), shared)).toBe(0);
    expect(shared[0]).toBe(0n);
  });

  it('a resizable buffer, for as long as it is large enough', () => {
    const buffer = new (
      ArrayBuffer as unknown as new (
        length: number,
        options: object,
      ) => ArrayBuffer & {
        resize(length: number): void;
      }
    )(160, { maxByteLength: 320 });
    const tracking = new Uint8Array(buffer);
    const fixed = new Uint8Array(buffer, 0, 160);
    const read = (endpoints: Uint8Array, count: number) => binding.readEndpoints(i32(8).fill(-1), count, endpoints);
    expect(read(tracking, 4)).toBe(0);
    buffer.resize(80);
    expect(read(tracking, 2)).toBe(0);
    expect(() => read(tracking, 3)).toThrow('at least 120 elements, got one of length 80');
    // Out of bounds as a whole: as good as empty.
    expect(() => read(fixed, 1)).toThrow('at least 40 elements, got one of length 0');
    buffer.resize(320);
    expect(read(tracking, 8)).toBe(0);
  });
});
