import { lstatSync, mkdirSync, readlinkSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';

/**
 * Where the processes that share a metrics port meet: a unix socket in a folder that only this user can enter. In a container
 * without a place to write it is an abstract one (unix(7)), which every user of the network namespace can reach.
 */
export function meetingPlace(port: number): string {
  const uid = process.getuid?.() ?? 0;
  try {
    const folder = path.join(os.tmpdir(), `close-wait-guard-${uid}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stat = lstatSync(folder);
    if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0)
      throw new Error(`${folder} is not private`);
    // The same folder may be mounted into several containers, each with a port of that number.
    const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/net'))?.[0] ?? '0';
    const file = path.join(folder, `${namespace}-${port}.sock`);
    // sun_path holds 108 bytes; a longer path would be cut.
    if (Buffer.byteLength(file) < 108) return file;
    throw new Error(`${file} is too long`);
  } catch {
    return `\0close-wait-guard-${uid}-${port}`;
  }
}

/** Binds it before it returns, so that whoever finds the port taken can connect. Only for who has the port. */
export function listenAt(place: string, server: Server): void {
  // One that was killed leaves the file behind.
  if (!place.startsWith('\0')) rmSync(place, { force: true });
  // A cluster worker would otherwise ask its primary to listen.
  server.listen({ path: place, exclusive: true });
}
