import { clearTimeout, setTimeout } from 'node:timers';
import { isRecord } from '../../base/objects.js';
import { CommandError } from '../frame/errors.js';
import { LoopbackWebSocket } from './web-socket.js';

/** Why a command was not carried out: what the other end says. */
export class InspectorError extends CommandError {}

/** Where to send the messages of the Chrome DevTools Protocol: an inspector, or a worker thread behind one. */
export interface Session {
  /** @throws CommandError where it is refused, nothing comes for `timeoutMs`, or the connection is lost */
  call(method: string, params?: object, timeoutMs?: number): Promise<Record<string, unknown>>;
  /** Undefined: nothing is waited for any more. */
  readonly lost: () => string | undefined;
}

type Send = (message: string) => void;
type Listener = (params: Record<string, unknown>) => void;

/** How long an inspector may take to answer, ms. Only a process that is stopped takes longer: it answers a busy loop's place, too. */
const ANSWER_MS = 10_000;

/** Pairs commands with their results. Both ends of it are texts, so that one serves a socket as well as a worker behind another one. */
export class Exchange implements Session {
  readonly #send: Send;
  readonly #waiting = new Map<
    number,
    { resolve: (result: Record<string, unknown>) => void; reject: (error: Error) => void }
  >();
  readonly #listeners = new Map<string, Listener>();
  #lastId = 0;
  #lost: string | undefined;
  readonly #onLost = new Set<(why: string) => void>();

  constructor(send: Send) {
    this.#send = send;
  }

  readonly lost = (): string | undefined => this.#lost;

  call(method: string, params: object = {}, timeoutMs = ANSWER_MS): Promise<Record<string, unknown>> {
    if (this.#lost !== undefined) return Promise.reject(new CommandError(this.#lost));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(
          new CommandError(
            `its inspector gave no answer for ${timeoutMs / 1_000} s: is it stopped (SIGSTOP), or held in native code?`,
          ),
        );
      }, timeoutMs);
      const done =
        <T>(settle: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          settle(value);
        };
      this.#waiting.set(id, { resolve: done(resolve), reject: done(reject) });
      this.#send(JSON.stringify({ id, method, params }));
    });
  }

  /** One listener for each event. */
  on(event: string, listener: Listener): void {
    this.#listeners.set(event, listener);
  }

  /** What is no message of the protocol is ignored: whoever else may have sent it, nothing waits for it. */
  take(text: string): void {
    const message = parse(text);
    if (message === undefined) return;
    const { id, method, params, result, error } = message;
    if (typeof id === 'number') {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (isRecord(error)) waiting?.reject(new InspectorError(String(error.message)));
      else waiting?.resolve(isRecord(result) ? result : {});
    } else if (typeof method === 'string') this.#listeners.get(method)?.(isRecord(params) ? params : {});
  }

  /** The connection is gone. */
  lose(why: string): void {
    this.#lost ??= why;
    for (const { reject } of this.#waiting.values()) reject(new CommandError(why));
    this.#waiting.clear();
    for (const listener of this.#onLost) listener(why);
    this.#onLost.clear();
  }

  onLost(listener: (why: string) => void): void {
    this.#onLost.add(listener);
  }

  /** Resolves when the connection is gone, or after `atMostMs`. */
  whenLost(atMostMs: number): Promise<void> {
    if (this.#lost !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, atMostMs);
      this.onLost(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

export interface InspectorConnection {
  readonly session: Exchange;
  readonly localPort: number | undefined;
  close(): void;
}

/** Opens a session with the inspector at that address. */
export async function connectInspector(
  at: { readonly host: string; readonly port: number; readonly path: string },
  signal: AbortSignal,
): Promise<InspectorConnection> {
  // What is sent before the connection is there has no way to go; nothing is.
  const open: { socket?: LoopbackWebSocket } = {};
  const session = new Exchange((text) => open.socket?.send(text));
  const connected = await LoopbackWebSocket.connect(
    at,
    { onMessage: (text) => session.take(text), onClose: (why) => session.lose(why) },
    signal,
  );
  open.socket = connected;
  return {
    session,
    localPort: connected.localPort,
    close: () => {
      session.lose('the session is over');
      connected.close();
    },
  };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const message: unknown = JSON.parse(text);
    return isRecord(message) ? message : undefined;
  } catch {
    return undefined;
  }
}
