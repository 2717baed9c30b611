import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { kernelRows, LISTEN } from './kernel-view.js';

/** The command line of the process that listens on a port, as /proc tells it. */
export function holderOf(port: number): string {
  const row = kernelRows().find(({ localPort, state }) => localPort === port && state === LISTEN);
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const fds = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      if (!fds.includes(`socket:[${row?.inode}]`)) continue;
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch {
      // Gone, or another user's.
      continue;
    }
  }
  throw new Error(`nobody listens on port ${port}`);
}
