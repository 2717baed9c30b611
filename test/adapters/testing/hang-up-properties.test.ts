import fc from 'fast-check';
import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { GuardError } from '../../../src/base/errors.js';
import { LEAK_CAUSES, LEAK_KINDS, LEAK_REASONS } from '../../../src/base/vocabulary.js';
import { checkRequest } from '../../../src/testing/hang-up/names.js';
import { resolveHangUpOptions, type HangUpRequest } from '../../../src/testing/hang-up/options.js';
import { messageOf } from '../../../src/testing/hang-up/request.js';
import { ResponseReader } from '../../../src/testing/hang-up/response.js';
import { reproduce } from '../../../src/testing/reproduce.js';
import { propertyRuns } from '../../support/property-runs.js';

const RUNS = propertyRuns(300);
const AT_REQUEST = resolveHangUpOptions({ at: 'request' });

interface Parsed {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What node:http makes of these bytes. No socket is opened: it reads them from a stream. */
async function parse(pieces: readonly Buffer[]): Promise<Parsed> {
  const server = createServer();
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const parsed = new Promise<Parsed>((resolve, reject) => {
    server.on('clientError', reject);
    server.on('request', async (request) => {
      const { method, url, headers } = request;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      resolve({ method, url, headers, body: Buffer.concat(chunks) });
    });
  });
  server.emit('connection', stream);
  for (const piece of pieces) stream.push(piece);
  try {
    return await parsed;
  } finally {
    stream.destroy();
  }
}

/** What hangUp() writes when it lets a request go through whole. */
async function bytesOf(request: HangUpRequest): Promise<Buffer[]> {
  const { head, body } = messageOf(request, 'shop.test', AT_REQUEST);
  const pieces = [head];
  if (body) for await (const piece of body.pieces(Number.POSITIVE_INFINITY)) pieces.push(Buffer.from(piece));
  return [...pieces, ...(body?.terminator ? [body.terminator] : [])];
}

const visible = (but: string): fc.Arbitrary<string> =>
  fc
    .integer({ min: 0x21, max: 0x7e })
    .map((code) => String.fromCharCode(code))
    .filter((text) => !but.includes(text));
const path = fc.string({ unit: visible('#'), maxLength: 40 }).map((text) => `/${text}`);
/** As RFC 9110 has them, and none that says where the message ends. */
const headers = fc.dictionary(
  fc
    .string({ unit: fc.constantFrom(...Array.from('abcxyz019-_.!')), minLength: 1, maxLength: 12 })
    .map((name) => `x-${name}`),
  fc.string({ unit: visible(''), minLength: 1, maxLength: 20 }),
  { maxKeys: 4 },
);
const bytes = fc.uint8Array({ maxLength: 300 });
const body = fc.oneof(
  bytes,
  fc.string({ unit: 'grapheme', maxLength: 100 }),
  fc.nat(2_000),
  fc.array(fc.oneof(bytes, fc.constant(new Uint8Array())), { maxLength: 4 }),
);

const contentOf = (given: HangUpRequest['body']): Buffer => {
  if (typeof given === 'number') return Buffer.alloc(given, 'x');
  return Array.isArray(given) ? Buffer.concat(given as Uint8Array[]) : Buffer.from(given as string);
};

describe('the request that hangUp() sends', () => {
  it('is the one that was asked for, as node:http reads it', async () => {
    const method = fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND');
    await fc.assert(
      fc.asyncProperty(fc.record({ method, path, headers, body }), async (request) => {
        const parsed = await parse(await bytesOf(request));
        expect([parsed.method, parsed.url]).toEqual([request.method, request.path]);
        expect(parsed.headers).toMatchObject({ host: 'shop.test' });
        for (const [name, value] of Object.entries(request.headers))
          expect(parsed.headers[name.toLowerCase()]).toContain(value);
        expect(parsed.body.equals(contentOf(request.body))).toBe(true);
      }),
      RUNS,
    );
  });
});

describe('a response, cut into pieces anywhere', () => {
  const response = fc.record({
    status: fc.constantFrom(200, 201, 404, 500),
    content: bytes,
    chunks: fc.option(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }), { nil: undefined }),
    cuts: fc.array(fc.nat(500), { maxLength: 8 }),
    early: fc.boolean(),
  });

  it('is complete at its last byte, no sooner, with every byte of its body counted', () => {
    fc.assert(
      fc.property(response, ({ status, content, chunks, cuts, early }) => {
        const wire = Buffer.concat([
          Buffer.from(early ? 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n' : ''),
          Buffer.from(`HTTP/1.1 ${status} Fine\r\nX-Twice: a\r\nx-twice: b\r\n`),
          ...(chunks ? inChunks(content, chunks) : [Buffer.from(`content-length: ${content.length}\r\n\r\n`), content]),
        ]);
        const reader = new ResponseReader('GET');
        const ends = [...new Set([...cuts.map((cut) => cut % wire.length), wire.length - 1])].sort((a, b) => a - b);
        let from = 0;
        for (const end of ends) {
          reader.push(wire.subarray(from, end));
          expect(reader.complete).toBe(false);
          from = end;
        }
        reader.push(wire.subarray(from));
        expect(reader.complete).toBe(true);
        expect(reader.bytes).toBe(wire.length);
        expect(reader.response).toMatchObject({ statusCode: status, bodyBytes: content.length, complete: true });
        expect(reader.response?.headers['x-twice']).toBe('a, b');
      }),
      RUNS,
    );
  });

  it('that is none is only counted', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 8 }), (pieces) => {
        const reader = new ResponseReader('GET');
        for (const piece of pieces) reader.push(Buffer.from(piece));
        reader.end();
        expect(reader.bytes).toBe(pieces.reduce((sum, { length }) => sum + length, 0));
      }),
      RUNS,
    );
  });
});

function inChunks(content: Uint8Array, sizes: readonly number[]): Buffer[] {
  const pieces = [Buffer.from('Transfer-Encoding: chunked\r\n\r\n')];
  for (let at = 0, i = 0; at < content.length; i++) {
    const chunk = content.subarray(at, at + sizes[i % sizes.length]!);
    pieces.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), Buffer.from(chunk), Buffer.from('\r\n'));
    at += chunk.length;
  }
  return [...pieces, Buffer.from('0\r\nx-trailer: 1\r\n\r\n')];
}

describe('reproduce()', () => {
  const pattern = fc
    .array(
      fc.oneof(
        fc.constantFrom(':id', ':a-:b', '*', 'a::b', ':n(^\\d+$)', ':opt?'),
        fc.constantFrom('items', 'x.y', 'é'),
      ),
      { maxLength: 4 },
    )
    .map((pieces) => `/${pieces.join('/')}`);
  const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.option(arbitrary, { nil: undefined });
  const leak = fc.record({
    kind: fc.constantFrom(...LEAK_KINDS),
    cause: fc.constantFrom(...LEAK_CAUSES, 'of-a-later-version' as 'unknown'),
    side: fc.constantFrom('inbound' as const, 'outbound' as const, 'unknown' as const),
    method: optional(fc.constantFrom('GET', 'POST', 'PUT')),
    route: optional(pattern),
    path: optional(path),
    requestedBy: optional(
      fc.oneof(
        pattern.map((route) => `POST ${route}`),
        fc.string(),
      ),
    ),
    reason: optional(fc.constantFrom(...LEAK_REASONS)),
    takenBytes: optional(fc.nat(10)),
    unreadKernelBytes: fc.nat(10),
    unreadStreamBytes: fc.nat(10),
  });

  it('gives what hangUp() takes, for what was asked, or says which report it cannot use; the same of one read from a log', async () => {
    await fc.assert(
      fc.asyncProperty(leak, async (given) => {
        const made = attempt(() => reproduce(given));
        const fromLog = attempt(() => reproduce(JSON.parse(JSON.stringify(given))));
        if (made instanceof Error) {
          expect(made).toBeInstanceOf(GuardError);
          expect(fromLog).toMatchObject({ message: made.message });
          return;
        }
        const [request, options] = made;
        expect(() => resolveHangUpOptions(options)).not.toThrow();
        if (request instanceof Uint8Array) return;
        expect((fromLog as typeof made)[0]).toMatchObject({
          ...request,
          ...(typeof request.body === 'object' && { body: {} }),
        });
        checkRequest(request);
        if (given.side !== 'inbound' || options.at === 'mid-headers') return;
        const sent = await parse([messageOf({ ...request, body: '' }, 'shop.test', AT_REQUEST).head]);
        expect([sent.method, sent.url]).toEqual([given.method, request.path]);
        if (given.path !== undefined && !given.path.endsWith('...')) expect(sent.url).toBe(given.path);
      }),
      RUNS,
    );
  });
});

function attempt<T>(make: () => T): T | Error {
  try {
    return make();
  } catch (error) {
    return error as Error;
  }
}
