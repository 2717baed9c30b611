import { readFileSync } from 'node:fs';

/**
 * How often the network namespace has refused a connection because the accept queue of its listening socket was full
 * (`TcpExt.ListenOverflows` in /proc/PID/net/netstat, net/ipv4/proc.c). Undefined where /proc does not tell. About 50 µs.
 */
export function listenOverflows(): number | undefined {
  let text: string;
  try {
    text = readFileSync('/proc/self/net/netstat', 'latin1');
  } catch {
    return undefined;
  }
  // Two lines a group: names, and values in the same order.
  const [names, values] = text.split('\n').filter((line) => line.startsWith('TcpExt:'));
  const column = names?.split(' ').indexOf('ListenOverflows') ?? -1;
  const value = column === -1 ? Number.NaN : Number(values?.split(' ')[column]);
  return Number.isSafeInteger(value) ? value : undefined;
}
