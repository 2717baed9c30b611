// Clients that leave, and what the kernel says of their connections.
import fs from 'node:fs';
import net from 'node:net';
import { getDefaultHighWaterMark } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';

const CLOSE_WAIT = '08';

/** How many sockets at this port the kernel holds in CLOSE_WAIT, of this network namespace. */
export function inCloseWait(port) {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return ['/proc/self/net/tcp', '/proc/self/net/tcp6']
    .filter((file) => fs.existsSync(file))
    .flatMap((file) => fs.readFileSync(file, 'latin1').trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local.endsWith(`:${hex}`) && state === CLOSE_WAIT).length;
}

export function openFds() {
  // Without the one that reads the list.
  return fs.readdirSync('/proc/self/fd').length - 1;
}

export async function listen(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

/** Connects, says this and leaves. */
export async function visit(port, text) {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await new Promise((resolve) => socket.end(text, resolve));
  socket.destroy();
}

/** A request whose body nobody will read, from a client that leaves in the middle of it. */
export function post(path, headers = {}) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\nhost: shop\r\ncontent-type: application/octet-stream\r\ncontent-length: 200000\r\n${lines.join('')}\r\n${'x'.repeat(BODY)}`;
}

/** More than Node takes by itself, and less than fills a receive window. */
export const BODY = 65_536 + getDefaultHighWaterMark(false) + 24_576;

export async function until(what, isTrue, deadlineMs = 20_000) {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const value = await isTrue();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${deadlineMs} ms for ${what}`);
    await wait(10);
  }
}

export function print(result) {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
