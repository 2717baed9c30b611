import { ENDPOINT_BYTES, type NativeBinding } from './native.js';

/** Both ends of a connection. The remote end is undefined when the kernel no longer knows it. */
export interface Endpoints {
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
}

/**
 * Reads the endpoints of `fds` while the connection still has them: after a reset the kernel forgets both
 * (getpeername(2) then fails with ENOTCONN), and a report without the port pair names nobody.
 */
export function packEndpoints(binding: NativeBinding, fds: Int32Array, count: number): Uint8Array[] {
  const all = new Uint8Array(count * ENDPOINT_BYTES);
  binding.readEndpoints(fds, count, all);
  return Array.from({ length: count }, (_, i) => all.slice(i * ENDPOINT_BYTES, (i + 1) * ENDPOINT_BYTES));
}

/** Text of one packed pair; see native.ts for the bytes. */
export function unpackEndpoints(binding: NativeBinding, packed: Uint8Array): Endpoints {
  const family = packed[0] ?? 0;
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const localPort = family === 0 ? 0 : view.getUint16(2, true);
  const remotePort = family === 0 ? 0 : view.getUint16(4, true);
  return {
    localAddress: localPort === 0 ? undefined : binding.formatAddress(packed, 8, family),
    localPort: localPort || undefined,
    remoteAddress: remotePort === 0 ? undefined : binding.formatAddress(packed, 24, family),
    remotePort: remotePort || undefined,
  };
}
