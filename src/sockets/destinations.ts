import type { Socket } from 'node:net';
import { safeHost } from '../base/escape.js';
import { farEndOf, unpackEndpoints } from '../kernel/endpoints.js';
import type { NativeBinding } from '../kernel/native.js';
import { requestedHostOf } from '../layers/node-internals.js';

/** Far ends that are remembered; the one that was met first is forgotten for another. */
const MAX_FAR_ENDS = 1_000;

interface FarEnd {
  readonly host: string;
  readonly family: 4 | 6;
}

/**
 * Whom this thread has connected to, by name. What is left of a connection when its fd is closed (FIN_WAIT_2) has an address
 * only. A connection that is over before it is watched is not noted: its far end is known from another one, or not at all.
 */
export class Destinations {
  readonly #binding: NativeBinding;
  readonly #farEnds = new Map<string, FarEnd>();

  constructor(binding: NativeBinding) {
    this.#binding = binding;
  }

  get size(): number {
    return this.#farEnds.size;
  }

  /** Address families of the far ends. */
  families(): ReadonlySet<4 | 6> {
    return new Set(Array.from(this.#farEnds.values(), ({ family }) => family));
  }

  /** An outbound connection is open: the host is the one that was asked for, else its address. */
  note(socket: Socket, endpoints: Uint8Array): void {
    const key = farEndOf(this.#binding, endpoints);
    if (key === undefined) return;
    const named = requestedHostOf(socket);
    const known = this.#farEnds.get(key);
    if (known && (named === undefined || known.host === safeHost(named))) return;
    const { remoteAddress = '' } = unpackEndpoints(this.#binding, endpoints);
    // Two names for one address: neither is the one that a later socket was for.
    const host = known || named === undefined ? remoteAddress : safeHost(named);
    if (!known && this.#farEnds.size >= MAX_FAR_ENDS) this.#farEnds.delete(this.#farEnds.keys().next().value!);
    this.#farEnds.set(key, { host, family: remoteAddress.includes(':') ? 6 : 4 });
  }

  hostOf(endpoints: Uint8Array): string | undefined {
    const key = farEndOf(this.#binding, endpoints);
    return key === undefined ? undefined : this.#farEnds.get(key)?.host;
  }
}
