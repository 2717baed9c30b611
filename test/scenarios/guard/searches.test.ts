import { closeSync, openSync } from 'node:fs';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { loadBinding } from '../../../src/kernel/loader.js';
import type { NativeBinding } from '../../../src/kernel/native.js';
import { portsOf, readOne, fdOf, State } from '../../kernel/binding.js';
import { SocketTable } from '../../../src/sockets/socket-table.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();

const TIME_OUT = 60_000;
const INTERVAL = 1_000;

/** The addon, with some of the numbers that it tells replaced; the sockets are the kernel's. */
function bindingWith(numbers: Partial<Pick<NativeBinding, 'openFds' | 'tcpCounter'>> = {}): NativeBinding {
  const { binding } = loadBinding();
  if (!binding) throw new Error('the addon is not built');
  return { ...binding, ...numbers };
}

/** A table whose samples are a second apart on a clock that the test turns. */
class Timed {
  readonly #table: SocketTable;
  #nowMs = 1_000_000;

  constructor(binding = bindingWith()) {
    this.#table = new SocketTable(binding, this.#nowMs, () => undefined);
    stage.defer(() => this.#table.close());
    stage.defer(this.#table.expectTimedSamples());
  }

  /** The local ports of what is half-closed, reset or stalled after so many samples. */
  samples(count: number): number[] {
    let found: number[] = [];
    for (let i = 0; i < count; i++) {
      this.#nowMs += INTERVAL;
      const suspects = this.#table.sample(this.#nowMs, { minAgeMs: INTERVAL, timeOutMs: TIME_OUT });
      found = suspects.map(({ fd }) => fd);
    }
    return found;
  }

  settle(): void {
    this.samples((2 * TIME_OUT) / INTERVAL);
  }
}

/** Of a server that reads nothing. */
async function stalled() {
  const server = net.createServer({ pauseOnConnect: true });
  const sockets: net.Socket[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  const client = await stage.connect(await stage.listen(server));
  const socket = await until('the connection', () => sockets[0]);
  const fill = () => {
    client.say(Buffer.alloc(8_000_000));
    return until('its window to close', () => readOne(fdOf(socket)).receiveWindow === 0);
  };
  return { fd: fdOf(socket), fill };
}

describe('a stalled socket is found within one time-out', () => {
  it('whose window closed before there was a guard', async () => {
    const { fd, fill } = await stalled();
    await fill();
    expect(new Timed().samples(TIME_OUT / INTERVAL)).toContain(fd);
  });

  it('and soon, when the count of closed windows says so', async () => {
    const timed = new Timed();
    const { fd, fill } = await stalled();
    timed.settle();
    await fill();
    expect(timed.samples(TIME_OUT / INTERVAL / 4)).toContain(fd);
  });

  it('where that count stands still all the same', async () => {
    const timed = new Timed(bindingWith({ tcpCounter: () => 7 }));
    const { fd, fill } = await stalled();
    timed.settle();
    await fill();
    expect(timed.samples(TIME_OUT / INTERVAL)).toContain(fd);
  });

  it('where /proc does not tell that count', async () => {
    const timed = new Timed(bindingWith({ tcpCounter: () => -1 }));
    const { fd, fill } = await stalled();
    timed.settle();
    await fill();
    expect(timed.samples(TIME_OUT / INTERVAL / 4)).toContain(fd);
  });
});

describe('a half-closed socket that nobody announced is found within one time-out', () => {
  /** On Node 20 no channel tells of one that is made before it connects. */
  async function unannounced() {
    const server = net.createServer();
    const accepted: net.Socket[] = [];
    server.on('connection', (socket) => accepted.push(socket));
    const port = await stage.listen(server);
    const socket = new net.Socket({ allowHalfOpen: true }).connect(port, '127.0.0.1');
    stage.defer(() => socket.destroy());
    await until('the connection', () => accepted.length === 1 && !socket.connecting);
    const leave = async () => {
      socket.pause();
      accepted[0]!.end();
      await until('its FIN', () => readOne(fdOf(socket)).state === State.CLOSE_WAIT);
    };
    expect(portsOf(socket)[1]).toBe(port);
    return { fd: fdOf(socket), leave };
  }

  it('and soon, when there is one fd more', async () => {
    const timed = new Timed();
    timed.settle();
    const { fd, leave } = await unannounced();
    await leave();
    expect(timed.samples(TIME_OUT / INTERVAL / 4)).toContain(fd);
  });

  it('whose fd took the place of another file', async () => {
    const files = [1, 2, 3].map(() => openSync('/dev/null', 'r'));
    const timed = new Timed();
    timed.settle();
    const binding = bindingWith();
    const before = binding.openFds();
    for (const file of files) closeSync(file);
    // Both ends and the listener.
    const { fd, leave } = await unannounced();
    expect(binding.openFds()).toBe(before);
    await leave();
    expect(timed.samples(TIME_OUT / INTERVAL)).toContain(fd);
  });

  it('where the number of fds stands still all the same', async () => {
    const timed = new Timed(bindingWith({ openFds: () => 20 }));
    timed.settle();
    const { fd, leave } = await unannounced();
    await leave();
    expect(timed.samples(TIME_OUT / INTERVAL)).toContain(fd);
  });

  it('and at once, when it was met while it was healthy', async () => {
    const timed = new Timed();
    timed.settle();
    const { fd, leave } = await unannounced();
    timed.settle();
    await leave();
    expect(timed.samples(1)).toContain(fd);
  });
});
