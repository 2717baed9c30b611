import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { monotonicMs } from '../../base/clock.js';
import { GuardError } from '../../base/errors.js';
import { noteOurs } from '../../layers/notes.js';
import { Changes, within } from '../check/wait.js';
import type { HangUpWay } from './options.js';
import { ResponseReader } from './response.js';
import type { Endpoint } from './target.js';

/** The client's end of one TCP (or TLS) connection, which it can end after any byte. */
export class Client {
  readonly response: ResponseReader;
  /** When the server ended its half, or reset the connection; on the clock of monotonicMs(). */
  endedAtMs: number | undefined;
  /** The socket below TLS; without TLS the same as `#socket`. */
  readonly #raw: Socket;
  readonly #socket: Socket;
  readonly #changes = new Changes();
  #unsent = 0;

  /** @throws GuardError CWG_ERR_ARGUMENT when no server accepts within `deadlineMs`. */
  static async connect(endpoint: Endpoint, method: string | undefined, deadlineMs: number): Promise<Client> {
    const { host, port } = endpoint;
    // Half-open, so that the server's FIN does not close this end too.
    const raw = connect({ host, port, allowHalfOpen: true, noDelay: true });
    noteOurs(raw);
    const socket = endpoint.tls
      ? connectTls({
          socket: raw,
          rejectUnauthorized: endpoint.verify,
          ALPNProtocols: ['http/1.1'],
          ...serverName(host),
        })
      : raw;
    const connected = new Promise<void>((resolve, reject) => {
      socket.once(endpoint.tls ? 'secureConnect' : 'connect', resolve);
      // The raw socket hands its error on to the TLS socket above it.
      socket.once('error', reject);
      socket.once('close', () => {
        reject(new Error('the connection was closed'));
      });
    });
    try {
      await within(deadlineMs, connected);
    } catch (error) {
      socket.on('error', () => undefined).destroy();
      raw.destroy();
      const reason = error instanceof Error ? error.message : String(error);
      throw new GuardError(
        'CWG_ERR_ARGUMENT',
        `close-wait-guard: hangUp() could not connect to ${endpoint.authority}: ${reason}`,
        {
          cause: error,
        },
      );
    }
    return new Client(raw, socket, method);
  }

  private constructor(raw: Socket, socket: Socket, method: string | undefined) {
    this.#raw = raw;
    this.#socket = socket;
    this.response = new ResponseReader(method);
    socket.on('data', (chunk: Buffer) => {
      this.response.push(chunk);
      this.#changes.announce();
    });
    const ended = (): void => {
      this.endedAtMs ??= monotonicMs();
      this.response.end();
      this.#changes.announce();
    };
    socket.on('end', ended);
    // A server may also end it with a reset.
    socket.on('error', ended);
    socket.on('close', ended);
  }

  get localPort(): number | undefined {
    return this.#raw.localPort;
  }

  get remotePort(): number | undefined {
    return this.#raw.remotePort;
  }

  get ended(): boolean {
    return this.endedAtMs !== undefined;
  }

  /** Everything written so far has been handed to the kernel. */
  get sent(): boolean {
    return this.#unsent === 0;
  }

  write(bytes: Buffer): void {
    if (this.#socket.destroyed || bytes.length === 0) return;
    this.#unsent++;
    this.#socket.write(bytes, () => {
      this.#unsent--;
      this.#changes.announce();
    });
  }

  /** Waits until it is so, the server has ended the connection, or the time is over. Returns whether it is so. */
  async until(isSo: () => boolean, deadlineAtMs: number): Promise<boolean> {
    await this.#changes.until(() => isSo() || this.ended, deadlineAtMs);
    return isSo();
  }

  hangUp(how: HangUpWay, readsOn: boolean): void {
    if (!readsOn) this.#socket.pause();
    if (how === 'fin') this.#socket.end();
    else if (how === 'close') this.#raw.destroy();
    else if (how === 'reset') this.#reset();
    else this.#socket.pause();
  }

  /** Frees this end, however it hung up. The server notices only where it did not close its own end. */
  dispose(how: HangUpWay): void {
    this.endedAtMs ??= monotonicMs();
    this.#changes.announce();
    if (how === 'vanish') this.#reset();
    this.#socket.destroy();
    this.#raw.destroy();
  }

  #reset(): void {
    if (!this.#raw.destroyed) this.#raw.resetAndDestroy();
  }
}

/** SNI takes names, not addresses (RFC 6066, 3). */
function serverName(host: string): { servername?: string } {
  return /^[\d.]+$|:/.test(host) ? {} : { servername: host };
}
