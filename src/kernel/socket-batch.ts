import { RECORD_FIELDS, type NativeBinding } from './native.js';

export type RecordField = (typeof RECORD_FIELDS)[number];
/** One socket as the kernel sees it. -1 stands for what this kernel does not tell. */
export type SocketRecord = Record<RecordField, number> & { readonly cookie: bigint };

const COLUMN = Object.freeze(Object.fromEntries(RECORD_FIELDS.map((name, index) => [name, index]))) as Readonly<
  Record<RecordField, number>
>;

/**
 * Caller-owned arrays for one batched read (native `readSockets`): about 700 ns a socket, where an object a socket
 * would cost three to five times as much. Reused from sample to sample; it grows and never shrinks.
 */
export class SocketBatch {
  #fds = new Int32Array(64);
  #cookies = new BigUint64Array(64);
  #values = new Float64Array(64 * RECORD_FIELDS.length);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  push(fd: number): void {
    if (this.#length === this.#fds.length) this.#grow();
    this.#fds[this.#length++] = fd;
  }

  read(binding: NativeBinding): void {
    if (this.#length > 0) binding.readSockets(this.#fds, this.#length, this.#values, this.#cookies);
  }

  cookie(index: number): bigint {
    return this.#cookies[index] ?? 0n;
  }

  field(index: number, field: RecordField): number {
    return this.#values[index * RECORD_FIELDS.length + COLUMN[field]] ?? -1;
  }

  /** Whether the kernel refuses TCP_INFO of this socket, so that its state comes from poll(2). */
  infoRefused(index: number): boolean {
    return this.field(index, 'infoErrno') > 0;
  }

  /** A copy of one row, for the few sockets that are reported. One literal: an object that grows in a loop takes ten times as long. */
  record(index: number): SocketRecord {
    return {
      cookie: this.cookie(index),
      errno: this.field(index, 'errno'),
      state: this.field(index, 'state'),
      lastDataSentMs: this.field(index, 'lastDataSentMs'),
      lastDataRecvMs: this.field(index, 'lastDataRecvMs'),
      lastAckRecvMs: this.field(index, 'lastAckRecvMs'),
      bytesAcked: this.field(index, 'bytesAcked'),
      bytesReceived: this.field(index, 'bytesReceived'),
      unreadBytes: this.field(index, 'unreadBytes'),
      unsentBytes: this.field(index, 'unsentBytes'),
      receiveWindow: this.field(index, 'receiveWindow'),
      acceptQueue: this.field(index, 'acceptQueue'),
      backlog: this.field(index, 'backlog'),
      infoErrno: this.field(index, 'infoErrno'),
    };
  }

  #grow(): void {
    const size = this.#fds.length * 2;
    const fds = new Int32Array(size);
    fds.set(this.#fds);
    this.#fds = fds;
    this.#cookies = new BigUint64Array(size);
    this.#values = new Float64Array(size * RECORD_FIELDS.length);
  }
}
