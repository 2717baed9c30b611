// A raw TCP client on node:net: it sends what it is told to, reads only when it is told to, and leaves in one of four ways.
import net from 'node:net';

/** fin: ends its half and reads on. close: close(), which the kernel turns into an RST when bytes were left unread. */
export const WAYS = ['fin', 'close', 'reset', 'silence'];

export class Client {
  /** How many bytes came, and the first of them. */
  count = 0;
  start = '';
  ended = false;
  #socket;

  static connect(port) {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      // Nothing is taken from the kernel before receive().
      socket.pause();
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Client(socket));
      });
    });
  }

  constructor(socket) {
    this.#socket = socket;
    this.port = socket.localPort;
    socket.on('error', () => (this.ended = true));
    socket.on('end', () => (this.ended = true));
    socket.on('close', () => (this.ended = true));
  }

  /** Sends in pieces until everything is sent or the server takes no more for so long. */
  async send(bytes, patienceMs = 700) {
    const data = Buffer.from(bytes);
    for (let at = 0; at < data.length && !this.ended; at += 65_536) {
      const full = !this.#socket.write(data.subarray(at, at + 65_536));
      if (full && !(await this.#happens('drain', patienceMs))) return;
    }
  }

  /** Reads until so many bytes, or this text, or nothing for so long. */
  async receive({ bytes = Infinity, text, patienceMs = 700 } = {}) {
    const enough = () => this.count >= bytes || (text !== undefined && this.start.includes(text));
    while (!this.ended && !enough()) {
      const chunk = this.#socket.read();
      if (chunk === null && !(await this.#happens('readable', patienceMs))) return;
      this.count += chunk?.length ?? 0;
      if (this.start.length < 4096) this.start += chunk?.toString('latin1') ?? '';
    }
  }

  leave(how) {
    const socket = this.#socket;
    if (how === 'reset') socket.resetAndDestroy();
    else if (how === 'close') socket.destroy();
    else {
      socket.end();
      if (how === 'fin') socket.resume();
    }
  }

  destroy() {
    this.#socket.destroy();
  }

  #happens(event, patienceMs) {
    return new Promise((resolve) => {
      const done = (happened) => {
        clearTimeout(timer);
        this.#socket.off(event, yes).off('close', no);
        resolve(happened);
      };
      const [yes, no] = [() => done(true), () => done(false)];
      const timer = setTimeout(no, patienceMs);
      this.#socket.once(event, yes).once('close', no);
    });
  }
}
