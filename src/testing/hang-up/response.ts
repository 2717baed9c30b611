import type { HangUpResponse } from './options.js';

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
/** A longer head or chunk-size line is no HTTP: from there on bytes are only counted. */
const MAX_HEAD = 256 * 1024;

/**
 * Reads one HTTP/1.1 response from bytes as they come (RFC 9112, 6.3), only to know how much of it has arrived.
 */
export class ResponseReader {
  /** All bytes received, of whatever protocol. */
  bytes = 0;
  /** The response has come whole, or the server has switched protocols. */
  complete = false;
  #unread: Buffer = Buffer.alloc(0);
  /** Where in it to go on searching for the end of a head or line, so that each byte is searched once. */
  #searchFrom = 0;
  #isHttp: boolean;
  #head: Pick<HangUpResponse, 'statusCode' | 'headers'> | undefined;
  #bodyBytes = 0;
  /** Bytes of the body, or of the current chunk with its line end, still to come; undefined: up to the connection's end. */
  #left: number | undefined;
  #chunked = false;
  #inTrailers = false;
  readonly #method: string | undefined;

  /** @param method of the request; undefined where it is not HTTP: then bytes are only counted. */
  constructor(method: string | undefined) {
    this.#method = method;
    this.#isHttp = method !== undefined;
  }

  get response(): HangUpResponse | undefined {
    return this.#head && { ...this.#head, bodyBytes: this.#bodyBytes, complete: this.complete };
  }

  /** 101, or the 2xx of a CONNECT: what follows is not HTTP. */
  get switched(): boolean {
    const { statusCode = 0 } = this.#head ?? {};
    return statusCode === 101 || (this.#method === 'CONNECT' && statusCode >= 200 && statusCode < 300);
  }

  push(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (!this.#isHttp || this.complete) return;
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    while (this.#advance());
    if (this.#unread.length > MAX_HEAD) {
      this.#isHttp = false;
      this.#unread = Buffer.alloc(0);
    }
  }

  /** The server has ended the connection: that is the end of a response of no stated length. */
  end(): void {
    if (this.#head && !this.#chunked && this.#left === undefined) this.complete = true;
  }

  /** Takes the next piece; false when it has not come whole. */
  #advance(): boolean {
    if (this.complete) return false;
    if (!this.#head) return this.#takeHead();
    if (this.#left === undefined || this.#left > 0) return this.#takeBody();
    return this.#chunked ? this.#takeChunkSize() : this.#finish();
  }

  #takeHead(): boolean {
    const end = this.#endOf(HEAD_END);
    if (end === -1) return false;
    const [statusLine = '', ...lines] = this.#unread.toString('latin1', 0, end).split('\r\n');
    this.#unread = this.#unread.subarray(end + HEAD_END.length);
    const statusCode = Number(/^HTTP\/1\.\d (\d{3})/.exec(statusLine)?.[1] ?? 0);
    // 100 Continue and 103 Early Hints come before the response.
    if (statusCode >= 100 && statusCode < 200 && statusCode !== 101) return true;
    const headers = headersOf(lines);
    this.#head = { statusCode, headers };
    if (this.switched || this.#method === 'HEAD' || statusCode === 204 || statusCode === 304) return this.#finish();
    const { 'transfer-encoding': coding, 'content-length': length } = headers;
    this.#chunked = coding !== undefined && /chunked\s*$/i.test(coding);
    if (this.#chunked) this.#left = 0;
    else this.#left = length === undefined ? undefined : Number(length);
    return true;
  }

  #takeBody(): boolean {
    if (this.#unread.length === 0) return false;
    const taken = Math.min(this.#unread.length, this.#left ?? Infinity);
    this.#unread = this.#unread.subarray(taken);
    if (this.#left !== undefined) this.#left -= taken;
    this.#bodyBytes += taken;
    // The line end behind a chunk was counted as a part of it.
    if (this.#chunked && this.#left === 0) this.#bodyBytes -= LINE_END.length;
    return true;
  }

  #takeChunkSize(): boolean {
    const end = this.#endOf(LINE_END);
    if (end === -1) return false;
    const line = this.#unread.toString('latin1', 0, end);
    this.#unread = this.#unread.subarray(end + LINE_END.length);
    if (this.#inTrailers) return line === '' ? this.#finish() : true;
    const size = Number.parseInt(line, 16);
    if (size > 0) this.#left = size + LINE_END.length;
    else this.#inTrailers = true;
    return true;
  }

  #endOf(mark: Buffer): number {
    const end = this.#unread.indexOf(mark, this.#searchFrom);
    // A part of the mark may be there already.
    this.#searchFrom = end === -1 ? Math.max(0, this.#unread.length - mark.length + 1) : 0;
    return end;
  }

  #finish(): boolean {
    this.complete = true;
    this.#unread = Buffer.alloc(0);
    return false;
  }
}

function headersOf(lines: readonly string[]): Record<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    if (name === '' || /\s/.test(name)) continue;
    const key = name.toLowerCase();
    const value = line.slice(colon + 1).trim();
    const earlier = headers.get(key);
    headers.set(key, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return Object.fromEntries(headers);
}
