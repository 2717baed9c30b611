import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { stageOfEachTest } from '../support/stage.js';
import { addonFile, root } from '../support/programs.js';
import { blockingWriter, makeFifo, SlowReader } from '../support/slow-reader.js';
import { binding, fdOf } from './binding.js';

const { EAGAIN, EBADF, EPIPE } = os.constants.errno;
const LINE = new Uint8Array(1_000).fill(0x61);

/** Writes until nothing goes any more; returns the bytes that went and what the last call said. */
function fill(fd: number): { readonly bytes: number; readonly last: number } {
  for (let bytes = 0; ;) {
    const written = binding.writeNow(fd, LINE);
    if (written <= 0) return { bytes, last: written };
    bytes += written;
  }
}

/** A Node under a sanitizer, on a busy machine. */
const STARTS_WITHIN_MS = 60_000;

describe('writeNow', () => {
  const stage = stageOfEachTest();

  it('fills a blocking FIFO, stops there, and goes on when it is read', () => {
    const fifo = makeFifo(stage);
    const reader = new SlowReader(stage, fifo);
    const fd = blockingWriter(stage, fifo);
    const { bytes, last } = fill(fd);
    expect(last).toBe(-EAGAIN);
    expect(bytes).toBeGreaterThan(50_000);
    expect(reader.read()).toHaveLength(bytes);
    expect(binding.writeNow(fd, LINE)).toBe(LINE.length);
    reader.close();
    expect(binding.writeNow(fd, LINE)).toBe(-EPIPE);
  });

  it('takes a line longer than PIPE_BUF in pieces that do not wait', () => {
    const fifo = makeFifo(stage);
    const reader = new SlowReader(stage, fifo);
    const written = binding.writeNow(blockingWriter(stage, fifo), new Uint8Array(1_000_000));
    expect(written).toBeGreaterThan(0);
    expect(reader.read()).toHaveLength(written);
  });

  // Pipes without a name know RWF_NOWAIT, FIFOs do not; and a terminal is neither.
  it.each([
    ['an anonymous pipe', 'import os; r, w = os.pipe()'],
    ['a terminal', 'import os; r, w = os.openpty()'],
    ['a socket pair', 'import socket; a, b = socket.socketpair(); r, w = a.fileno(), b.fileno()'],
  ])(
    'fills %s that blocks, and leaves its flags alone',
    async (_name, make) => {
      const program = `
      const binding = require(${JSON.stringify(addonFile)});
      const line = new Uint8Array(1000).fill(0x61);
      const flags = () => /flags:\\s*(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/fdinfo/9', 'utf8'))[1];
      const before = flags();
      let bytes = 0, written;
      while ((written = binding.writeNow(9, line)) > 0) bytes += written;
      require('node:fs').writeSync(1, JSON.stringify({ bytes, last: written, same: flags() === before, flags: before }));`;
      const code = `${make}; os = __import__('os'); os.dup2(w, 9); os.execvp(${JSON.stringify(process.execPath)}, ['node', '-e', ${JSON.stringify(program)}]) if os.fork() == 0 else os.wait()`;
      const child = spawn('python3', ['-c', code], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: STARTS_WITHIN_MS,
      });
      const printed = JSON.parse(await text(child.stdout)) as {
        bytes: number;
        last: number;
        same: boolean;
        flags: string;
      };
      expect(printed).toMatchObject({ last: -EAGAIN, same: true });
      expect(printed.bytes).toBeGreaterThan(1_000);
      expect(Number.parseInt(printed.flags, 8) & constants.O_NONBLOCK).toBe(0);
    },
    STARTS_WITHIN_MS,
  );

  it('raises no signal where the other end of a socket has gone', async () => {
    const server = net.createServer((socket) => socket.destroy());
    const port = await stage.listen(server);
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const fd = await once(socket, 'connect').then(() => fdOf(socket));
    while (binding.writeNow(fd, LINE) > 0);
    expect([-EPIPE, -os.constants.errno.ECONNRESET]).toContain(binding.writeNow(fd, LINE));
    socket.destroy();
  });

  it('tells why it could not', () => {
    expect(binding.writeNow(99_999, LINE)).toBe(-EBADF);
    expect(binding.writeNow(openReadOnly(), LINE)).toBe(-EBADF);
  });

  function openReadOnly(): number {
    const fd = openSync(os.devNull, 'r');
    stage.defer(() => closeSync(fd));
    return fd;
  }
});
