import { once } from 'node:events';
import net, { type Server, type ServerOpts, type Socket } from 'node:net';
import { spawnSync } from 'node:child_process';
import type { Client, Stage } from '../support/stage.js';
import { fdOf } from './binding.js';

export interface Pair {
  readonly server: Server;
  /** The accepted end. Nobody reads it and nobody ends it, so what the kernel says of it is the test's doing alone. */
  readonly socket: Socket;
  readonly fd: number;
  readonly client: Client;
}

export async function connectPair(
  stage: Stage,
  { host = '127.0.0.1', ...options }: ServerOpts & { host?: string } = {},
) {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, ...options });
  const port = await stage.listen(server, host);
  return acceptOne(stage, server, port, host);
}

export async function acceptOne(stage: Stage, server: Server, port: number, host = '127.0.0.1'): Promise<Pair> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = await stage.connect(port, host);
  const [socket] = await accepted;
  socket.on('error', () => undefined);
  return { server, socket, fd: fdOf(socket), client };
}

/**
 * Lets `count` clients connect to `port` and go, from another process, without giving this event loop a turn: whoever
 * listens here has accepted none of them when it returns.
 */
export function visitWhileBlocked(port: number, count: number): void {
  const code = `
    const net = require('node:net');
    let left = ${count};
    for (let i = 0; i < ${count}; i++) net.connect(${port}, '127.0.0.1', () => { if (--left === 0) process.exit(0); });`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8', timeout: 15_000 });
  if (status !== 0) throw new Error(`the clients did not all connect: ${stderr}`);
}

/** Like until(), for what must be awaited without giving the event loop a turn. */
export function untilBlocked(what: string, condition: () => boolean, timeoutMs = 10_000): void {
  const deadline = performance.now() + timeoutMs;
  const never = new Int32Array(new SharedArrayBuffer(4));
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    Atomics.wait(never, 0, 0, 2);
  }
}
