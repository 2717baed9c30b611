import type { NativeBinding } from './native.js';

/** Both ends of a connection. The remote end is undefined when the kernel no longer knows it. */
export interface Endpoints {
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
}

/**
 * Reads the endpoints of `fds` while the connection still has them, as a report without the port pair names nobody: after a
 * reset getpeername(2) fails with ENOTCONN, and SO_PEERNAME, which still tells, may be refused.
 */
export function packEndpoints(binding: NativeBinding, fds: Int32Array, count: number): Uint8Array[] {
  const size = binding.endpointBytes;
  const all = new Uint8Array(count * size);
  binding.readEndpoints(fds, count, all);
  return Array.from({ length: count }, (_, i) => all.slice(i * size, (i + 1) * size));
}

/** The local port of a packed pair, 0 when unknown. */
export function localPortOf(binding: NativeBinding, packed: Uint8Array): number {
  return portAt(packed, binding.endpointOffsets.localPort);
}

function portAt(packed: Uint8Array, offset: number): number {
  return (packed[offset] ?? 0) | ((packed[offset + 1] ?? 0) << 8);
}

/** The remote address and port of a packed pair, to compare with others; undefined where there is no peer. */
export function farEndOf(binding: NativeBinding, packed: Uint8Array): string | undefined {
  const at = binding.endpointOffsets;
  const port = portAt(packed, at.remotePort);
  if (port === 0) return undefined;
  const address = packed.subarray(at.remoteAddress, at.remoteAddress + ADDRESS_BYTES);
  return `${String.fromCharCode(packed[at.family] ?? 0, ...address)}${port}`;
}

/** Bytes of one packed address. */
const ADDRESS_BYTES = 16;

/** Whether these are the two ends of one connection: what is local to one is remote to the other. */
export function areTwoEnds(binding: NativeBinding, a: Uint8Array, b: Uint8Array): boolean {
  const at = binding.endpointOffsets;
  const same = (here: number, there: number, bytes: number): boolean =>
    a.subarray(here, here + bytes).every((byte, i) => byte === b[there + i]);
  return (
    portAt(a, at.localPort) === portAt(b, at.remotePort) &&
    portAt(a, at.remotePort) === portAt(b, at.localPort) &&
    same(at.family, at.family, 1) &&
    same(at.localAddress, at.remoteAddress, ADDRESS_BYTES) &&
    same(at.remoteAddress, at.localAddress, ADDRESS_BYTES)
  );
}

/** Text of one packed pair. */
export function unpackEndpoints(binding: NativeBinding, packed: Uint8Array): Endpoints {
  const at = binding.endpointOffsets;
  const family = packed[at.family] ?? 0;
  const localPort = portAt(packed, at.localPort);
  const remotePort = portAt(packed, at.remotePort);
  return {
    localAddress: localPort === 0 ? undefined : binding.formatAddress(packed, at.localAddress, family),
    localPort: localPort || undefined,
    remoteAddress: remotePort === 0 ? undefined : binding.formatAddress(packed, at.remoteAddress, family),
    remotePort: remotePort || undefined,
  };
}
