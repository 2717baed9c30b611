import type { Server, Socket } from 'node:net';
import { fact } from '../base/fact.js';
import { hasReceiveSideOpen, TcpState } from '../base/tcp-states.js';
import { localPortOf, packEndpoints } from '../kernel/endpoints.js';
import type { FaultSink } from '../kernel/faults.js';
import { isRefusal } from '../kernel/identity.js';
import type { NativeBinding } from '../kernel/native.js';
import { identityRefused, queuesRefused, tcpInfoMissing } from '../kernel/self-check.js';
import { SocketBatch } from '../kernel/socket-batch.js';
import { fdOf, serverOf } from '../layers/node-internals.js';
import type { Layer } from '../layers/layer.js';
import { notesOf } from '../layers/notes.js';
import { pipesFrom, type Pipes } from '../layers/pipe.js';
import { layersOf } from '../layers/stack.js';
import { withCountedProgress } from './counted-progress.js';
import { isHalfClosedOrReset, isStalled } from './states.js';
import { progressOf, type ProgressAbove, type Suspect } from './suspect.js';
import type { Transfers } from './transfers.js';
import type { WatchedSocket } from './watched-socket.js';

export interface SuspectsRead {
  readonly suspects: readonly Suspect[];
  /** Their fd is gone, or its number belongs to another socket by now. */
  readonly closed: readonly WatchedSocket[];
  /** No longer stalled; or the application's own shutdown(SHUT_RD), which raises EPOLLRDHUP too; or a socket of this library. */
  readonly recovered: readonly WatchedSocket[];
}

const NO_PIPES: Pipes = { sinks: [], bufferedBytes: 0, counts: 0 };

/** Reads watched sockets from the kernel, all of a sample in one call. */
export class SuspectReader {
  readonly #binding: NativeBinding;
  readonly #batch = new SocketBatch();
  /** What one suspect is piped to. */
  readonly #sinks = new SocketBatch();
  readonly #faults: FaultSink<'tcp_info' | 'queues' | 'cookie'>;
  readonly #serverOnPort: (port: number) => Server | undefined;
  readonly #transfers: Transfers;

  constructor(
    binding: NativeBinding,
    faults: FaultSink<'tcp_info' | 'queues' | 'cookie'>,
    serverOnPort: (port: number) => Server | undefined,
    transfers: Transfers,
  ) {
    this.#binding = binding;
    this.#faults = faults;
    this.#serverOnPort = serverOnPort;
    this.#transfers = transfers;
  }

  /** Reads sockets that were half-closed, reset or stalled. */
  read(sockets: readonly WatchedSocket[], nowMs: number): SuspectsRead {
    this.#readBatch(sockets);
    const rows: number[] = [];
    const read = { suspects: [] as Suspect[], closed: [] as WatchedSocket[], recovered: [] as WatchedSocket[] };
    sockets.forEach((watched, row) => {
      // Not known in this sample: it is neither closed nor as it was.
      if (isRefusal(this.#batch.field(row, 'errno'))) return;
      if (this.#batch.field(row, 'errno') !== 0 || this.#batch.cookie(row) !== watched.cookie) {
        read.closed.push(watched);
        return;
      }
      const isOpen = hasReceiveSideOpen(this.#batch.field(row, 'state'));
      if (isOpen) watched.openAtMs = nowMs;
      if ((isOpen && !isStalled(this.#batch, row)) || isOurs(watched)) read.recovered.push(watched);
      else rows.push(row);
    });
    this.#readEndpoints(rows.map((row) => sockets[row]!).filter(({ endpoints }) => endpoints === undefined));
    for (const row of rows) read.suspects.push(this.#suspectOf(sockets[row]!, row));
    return read;
  }

  /** Of sockets that no event tells of, those that are half-closed, reset or stalled by now. */
  findSuspects(sockets: readonly WatchedSocket[]): WatchedSocket[] {
    this.#readBatch(sockets);
    return sockets.filter((watched, row) => {
      if (this.#batch.cookie(row) !== watched.cookie || isOurs(watched)) return false;
      if (!isHalfClosedOrReset(this.#batch, row) && !isStalled(this.#batch, row)) return false;
      // Without an event nothing tells how it came to CLOSE; the peer's FIN alone does not lead there.
      watched.aborted ||= this.#batch.field(row, 'state') === TcpState.CLOSE;
      return true;
    });
  }

  #suspectOf(watched: WatchedSocket, row: number): Suspect {
    const { cookie, fd, side, socket: ref, aborted, openAtMs } = watched;
    const endpoints = watched.endpoints!;
    const owner: Socket | undefined = ref?.deref();
    const socket = owner && fdOf(owner) === fd ? owner : undefined;
    const server =
      side === 'outbound'
        ? undefined
        : ((socket && serverOf(socket)) ?? this.#serverOnPort(localPortOf(this.#binding, endpoints)));
    // A connection of a server of this thread was accepted by it: when no JS socket has it, one has lost it.
    const lost = server !== undefined || (ref === undefined && this.#transfers.pendingOf(fd) !== undefined);
    const detached = ref === undefined ? lost : socket === undefined;
    const read = this.#batch.record(row);
    const record = socket ? withCountedProgress(read, socket) : read;
    const above = this.#progressAbove(socket ? fact<readonly Layer[]>(() => layersOf(socket, side), []) : []);
    return {
      cookie,
      fd,
      side,
      unowned: ref === undefined,
      socket,
      server,
      foreignInode: undefined,
      detached,
      record,
      progress: progressOf(record, above, openAtMs),
      aborted,
      endpoints,
      transfers: this.#transfers,
    };
  }

  /** Of a healthy connection nobody asks what its ends are called: it is read of those that are half-closed. */
  #readEndpoints(sockets: readonly WatchedSocket[]): void {
    if (sockets.length === 0) return;
    const fds = Int32Array.from(sockets, ({ fd }) => fd);
    packEndpoints(this.#binding, fds, fds.length).forEach((endpoints, i) => {
      sockets[i]!.endpoints = endpoints;
    });
  }

  #progressAbove(layers: readonly Layer[]): ProgressAbove {
    const pipes = fact(() => pipesFrom(layers), NO_PIPES);
    return {
      bufferedBytes: layers.reduce((sum, layer) => sum + fact(() => layer.bufferedBytes(), 0), 0),
      pipedBytes: pipes.bufferedBytes,
      pipedCounts: pipes.counts,
      drainedBytes: this.#drainedBytes(pipes.sinks),
    };
  }

  #drainedBytes(sinks: readonly Socket[]): number | undefined {
    if (sinks.length === 0) return undefined;
    this.#sinks.clear();
    for (const sink of sinks) this.#sinks.push(fdOf(sink) ?? -1);
    this.#sinks.read(this.#binding);
    return sinks.reduce((sum, _, row) => sum + Math.max(0, this.#sinks.field(row, 'bytesAcked')), 0);
  }

  #readBatch(sockets: readonly WatchedSocket[]): void {
    this.#batch.clear();
    for (const { fd } of sockets) this.#batch.push(fd);
    this.#batch.read(this.#binding);
    this.#noteRefusals();
  }

  #noteRefusals(): void {
    let infoMissing = 0;
    let queueRefused = 0;
    let why = 0;
    for (let row = 0; row < this.#batch.length; row++) {
      const errno = this.#batch.field(row, 'errno');
      if (isRefusal(errno)) this.#faults.note('cookie', identityRefused(errno));
      if (errno !== 0) continue;
      // The number of an fd that was closed may be a listener's by now, of which the kernel tells neither.
      if (this.#batch.field(row, 'state') === TcpState.LISTEN) continue;
      if (this.#batch.field(row, 'bytesReceived') === -1) {
        infoMissing++;
        why = this.#batch.field(row, 'infoErrno');
      }
      if (this.#batch.field(row, 'unreadBytes') === -1) queueRefused++;
    }
    this.#faults.note('tcp_info', tcpInfoMissing(why), infoMissing);
    this.#faults.note('queues', queuesRefused('refused'), queueRefused);
  }
}

function isOurs({ socket: ref }: WatchedSocket): boolean {
  const socket = ref?.deref();
  return socket !== undefined && notesOf(socket)?.ours === true;
}
