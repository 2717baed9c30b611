import type { NativeBinding } from './native.js';

/**
 * How often the network namespace has refused a connection because the accept queue of its listening socket was full
 * (`TcpExt.ListenOverflows` in /proc/PID/net/netstat, net/ipv4/proc.c). Undefined where /proc does not tell.
 */
export function listenOverflows(binding: NativeBinding): number | undefined {
  const count = binding.tcpCounter('ListenOverflows');
  return count < 0 ? undefined : count;
}

/** How often a receive window of the network namespace has closed (`TCPToZeroWindowAdv`); -1 where /proc does not tell. */
export function closedWindows(binding: NativeBinding): number {
  return binding.tcpCounter('TCPToZeroWindowAdv');
}
