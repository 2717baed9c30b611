import { readFileSync } from 'node:fs';

/** A file below /proc, without what is blank around it; undefined where it is not there or not shown. */
export function procText(name: string): string | undefined {
  try {
    return readFileSync(`/proc/${name}`, 'latin1').trim();
  } catch {
    return undefined;
  }
}

/** The numbers in a file below /proc, as in `sys/net/ipv4/tcp_fin_timeout`. Empty where there are none. */
export function procNumbers(name: string): number[] {
  const words = procText(name)?.split(/\s+/).filter(Boolean) ?? [];
  const numbers = words.map(Number);
  return numbers.some(Number.isNaN) ? [] : numbers;
}
