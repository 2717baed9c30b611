import { readFileSync } from 'node:fs';

/** The default of `net.ipv4.ip_local_port_range` (ip(7)): 32768 to 60999. */
const DEFAULT_SIZE = 28_232;

let size: number | undefined;

/**
 * How many ports a host picks from for its outgoing connections. Read from this host once, and taken for the peers' too:
 * few change it.
 */
export function ephemeralPorts(): number {
  size ??= read();
  return size;
}

function read(): number {
  let text: string;
  try {
    text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1');
  } catch {
    return DEFAULT_SIZE;
  }
  const [first, last] = text.trim().split(/\s+/).map(Number);
  return first !== undefined && last !== undefined && last >= first ? last - first + 1 : DEFAULT_SIZE;
}
