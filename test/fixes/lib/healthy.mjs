// Clients that do nothing wrong: they are to get their whole response, whatever a fix has changed.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { buffer } from 'node:stream/consumers';

const PATIENCE_MS = 8_000;

/** What a case's `healthy` is given. */
export class HealthyClients {
  /** @param port of the fixed program */
  constructor(port) {
    this.port = port;
  }

  /** One HTTP request. @throws AssertionError when the response is another one than the expected */
  async ask({ method = 'GET', path = '/', headers = {}, body = '' }, { status = 200, body: expected = '' } = {}) {
    const request = http.request({
      ...{ host: '127.0.0.1', port: this.port, method, path, agent: false },
      headers: { 'content-length': Buffer.byteLength(body), ...headers },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    request.end(body);
    const [response] = await once(request, 'response');
    sameBytes(await buffer(response), expected);
    assert.equal(response.statusCode, status);
  }

  /** Says something on a connection of its own, ends its side, and hears all that comes. */
  async converse(data, expected) {
    const socket = net.connect({ port: this.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('nothing came any more')));
    socket.end(data);
    sameBytes(await buffer(socket), expected);
  }
}

function sameBytes(got, expected) {
  const wanted = Buffer.from(expected);
  assert.deepEqual([got.length, digest(got)], [wanted.length, digest(wanted)], `got ${got.toString('latin1', 0, 200)}`);
}

function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
