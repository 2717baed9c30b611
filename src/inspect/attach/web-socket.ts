import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { CommandError } from '../frame/errors.js';

/** RFC 6455, 1.3. */
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** A handshake's response: Node's inspector sends about 130 bytes. */
const MAX_HEAD_BYTES = 8_192;
/** One message: a thousand reports are about 3 MB. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

export interface WebSocketEvents {
  readonly onMessage: (text: string) => void;
  /** Once: the other end closed, the connection broke, or something came that is not taken. */
  readonly onClose: (why: string) => void;
}

/**
 * A WebSocket client (RFC 6455) for a debugger on this machine: text messages of one frame each, which is what Node's inspector
 * sends, no extensions. Node has none of its own before version 22, and this package takes no dependency for it.
 */
export class LoopbackWebSocket {
  readonly #socket: net.Socket;
  readonly #events: WebSocketEvents;
  #received: Buffer = Buffer.alloc(0);
  #closed = false;

  /**
   * @param path as in `/0f2c936f-…`: printable ASCII
   * @throws CommandError where nobody takes the connection, or takes it for another one
   */
  static async connect(
    at: { readonly host: string; readonly port: number; readonly path: string },
    events: WebSocketEvents,
    signal: AbortSignal,
  ): Promise<LoopbackWebSocket> {
    const socket = net.connect({ host: at.host, port: at.port });
    try {
      await once(socket, 'connect', { signal });
      const key = randomBytes(16).toString('base64');
      socket.write(
        `GET ${at.path} HTTP/1.1\r\nHost: ${net.isIPv6(at.host) ? `[${at.host}]` : at.host}:${at.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
      const rest = await readHandshake(socket, key);
      return new LoopbackWebSocket(socket, rest, events);
    } catch (error) {
      socket.on('error', () => undefined).destroy();
      if (signal.aborted || error instanceof CommandError) throw error;
      throw new CommandError(`port ${at.port} did not take the connection: ${(error as Error).message}`);
    }
  }

  private constructor(socket: net.Socket, rest: Buffer, events: WebSocketEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', (error) => this.#end(error.message));
    socket.on('close', () => this.#end('the other end closed the connection'));
    if (rest.length > 0) this.#take(rest);
    socket.resume();
  }

  /** The port of this end. */
  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  send(text: string): void {
    this.#write(TEXT, Buffer.from(text, 'utf8'));
  }

  /** Idempotent. */
  close(): void {
    if (!this.#closed) this.#write(CLOSE, Buffer.alloc(0));
    this.#closed = true;
    this.#socket.destroySoon();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    for (;;) {
      const frame = frameIn(this.#received);
      if (frame === undefined || this.#closed) return;
      if (typeof frame === 'string') {
        this.#end(frame);
        return;
      }
      this.#received = this.#received.subarray(frame.bytes);
      if (frame.opcode === TEXT) this.#events.onMessage(frame.payload.toString('utf8'));
      else if (frame.opcode === PING) this.#write(PONG, frame.payload);
      else if (frame.opcode === CLOSE) this.#end('the other end closed the connection');
    }
  }

  /** A client masks what it sends (RFC 6455, 5.3). */
  #write(opcode: number, payload: Buffer): void {
    const mask = randomBytes(4);
    const masked = Buffer.from(payload);
    for (let i = 0; i < masked.length; i++) masked[i]! ^= mask[i & 3]!;
    this.#socket.write(Buffer.concat([headOf(opcode, payload.length), mask, masked]));
  }

  #end(why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#events.onClose(why);
  }
}

/** FIN and opcode, MASK and length (RFC 6455, 5.2). */
function headOf(opcode: number, length: number): Buffer {
  if (length < 126) return Buffer.from([0x80 | opcode, 0x80 | length]);
  const head = Buffer.alloc(length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (head.length === 4 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  else head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  /** Of the whole frame. */
  readonly bytes: number;
}

/** The first frame in what was received; undefined where it is not all there, and why where it is one that is not taken. */
export function frameIn(received: Buffer): Frame | string | undefined {
  if (received.length < 2) return undefined;
  const [first = 0, second = 0] = received;
  const opcode = first & 0x0f;
  // The last one of a message, no extension, unmasked as a server has to send it, and of a kind that is known.
  if ((first & 0xf0) !== 0x80 || (second & 0x80) !== 0 || ![TEXT, CLOSE, PING, PONG].includes(opcode)) {
    return 'the other end sent a frame that no inspector sends';
  }
  let [at, length] = [2, second & 0x7f];
  if (length >= 126) {
    const extended = length === 126 ? 2 : 8;
    if (received.length < at + extended) return undefined;
    length = extended === 2 ? received.readUInt16BE(at) : Number(received.readBigUInt64BE(at));
    at += extended;
  }
  if (length > MAX_MESSAGE_BYTES)
    return `the other end sent a message of ${length} bytes; at most ${MAX_MESSAGE_BYTES} are taken`;
  if (received.length < at + length) return undefined;
  return { opcode, payload: received.subarray(at, at + length), bytes: at + length };
}

/** Resolves to what came behind the response's head, with the socket paused. */
function readHandshake(socket: net.Socket, key: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let head: Buffer = Buffer.alloc(0);
    const done = (settle: () => void): void => {
      socket.pause();
      socket.off('data', onData).off('error', onError).off('close', onClose);
      settle();
    };
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1 && head.length <= MAX_HEAD_BYTES) return;
      if (isAccepted(head.subarray(0, Math.max(end, 0)), key)) done(() => resolve(head.subarray(end + 4)));
      else done(() => reject(new CommandError(`what answers on port ${socket.remotePort} is no inspector`)));
    };
    const onError = (error: Error): void => done(() => reject(error));
    const onClose = (): void => done(() => reject(new Error('it was closed')));
    socket.on('data', onData).on('error', onError).on('close', onClose);
  });
}

function isAccepted(head: Buffer, key: string): boolean {
  const [status = '', ...headers] = head.toString('latin1').split('\r\n');
  const accept = createHash('sha1')
    .update(key + KEY_SUFFIX)
    .digest('base64');
  return (
    status.startsWith('HTTP/1.1 101 ') &&
    headers.some((line) => /^sec-websocket-accept:/i.test(line) && line.slice(line.indexOf(':') + 1).trim() === accept)
  );
}
