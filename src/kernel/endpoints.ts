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

/** The local port of a packed pair, 0 when unknown. */
export function localPortOf(packed: Uint8Array): number {
  return packed[0] === 0 ? 0 : portAt(packed, 2);
}

function portAt(packed: Uint8Array, offset: number): number {
  return (packed[offset] ?? 0) | ((packed[offset + 1] ?? 0) << 8);
}

/** Text of one packed pair; see native.ts for the bytes. */
export function unpackEndpoints(binding: NativeBinding, packed: Uint8Array): Endpoints {
  const family = packed[0] ?? 0;
  const localPort = localPortOf(packed);
  const remotePort = family === 0 ? 0 : portAt(packed, 4);
  return {
    localAddress: localPort === 0 ? undefined : binding.formatAddress(packed, 8, family),
    localPort: localPort || undefined,
    remoteAddress: remotePort === 0 ? undefined : binding.formatAddress(packed, 24, family),
    remotePort: remotePort || undefined,
  };
}
