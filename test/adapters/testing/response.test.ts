import { describe, expect, it } from 'vitest';
import { ResponseReader } from '../../../src/testing/hang-up/response.js';
import { cpuMsOf } from '../../support/cpu-time.js';

function read(...pieces: string[]): ResponseReader {
  const reader = new ResponseReader('GET');
  for (const piece of pieces) reader.push(Buffer.from(piece, 'latin1'));
  return reader;
}

/** What grows with the square of a response takes many seconds. */
function expectQuick(what: () => void): void {
  expect(cpuMsOf(what)).toBeLessThan(2_000);
}

describe('a response', () => {
  it('is read the same in one piece and byte by byte', () => {
    const text =
      'HTTP/1.1 200 OK\r\nX-A: \t one two \t\r\nX-A: 3\r\nBad Name: x\r\n: y\r\nNone\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n';
    const response = {
      statusCode: 200,
      headers: { 'x-a': 'one two, 3', 'transfer-encoding': 'chunked' },
      bodyBytes: 2,
      complete: true,
    };
    expect(read(text).response).toEqual(response);
    expect(read(...Array.from(text)).response).toEqual(response);
  });

  it('costs no more than to look at it, whatever blanks its headers have', () => {
    expectQuick(() => {
      const reader = read(`HTTP/1.1 204 None\r\nX: a${' '.repeat(300_000)}b\r\n\r\n`);
      expect(reader.response?.headers.x).toHaveLength(300_002);
    });
  });

  it('whose head has no end is no HTTP: its bytes are counted', () => {
    expectQuick(() => {
      const reader = read('HTTP/1.1 200 OK\r\n', ...Array.from({ length: 3_000 }, () => 'x'.repeat(1_024)));
      expect(reader.bytes).toBe(17 + 3_000 * 1_024);
      expect(reader.response).toBeUndefined();
    });
  });
});
