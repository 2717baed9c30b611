import { fact } from '../base/fact.js';
import type { Holder } from '../kernel/holders.js';
import { socketFdsOf } from '../kernel/process-fds.js';
import { inodeOf } from '../kernel/identity.js';
import {
  awaitsConfirmation,
  childrenSentSocketsOf,
  fdSentTo,
  hasSentSockets,
  isRunning,
  pidOf,
  stdioCount,
} from '../layers/ipc-internals.js';
import { fdOf, serverOf } from '../layers/node-internals.js';
import { notesOf } from '../layers/notes.js';
import type { Suspect } from './suspect.js';

/** That a socket came from another process, or went to one. */
export interface Transfer {
  readonly direction: 'sent' | 'received';
  /** `message`: over IPC, as in `child.send('take', socket)`. `stdio`: as one of a child's standard fds. */
  readonly as: 'message' | 'stdio';
  /** The other process. */
  readonly pid: number;
}

type Transferred = Pick<Suspect, 'fd' | 'socket' | 'side' | 'foreignInode'>;

const LAST_STDIO_FD = 2;

/**
 * Which sockets were sent from process to process. Asked when a report is made; nothing is kept of a socket that is well but
 * for who sent it, where it was received.
 */
export class Transfers {
  readonly #children: () => readonly object[];
  /** Read early: a process whose parent ends gets another. */
  readonly #startedBy = process.ppid;

  /** @param children the processes that this one has started, those that have ended too */
  constructor(children: () => readonly object[]) {
    this.#children = children;
  }

  /** @param holder the process that has it, where this one has it no more */
  of(suspect: Transferred, holder: Holder | undefined): Transfer | undefined {
    const { fd, socket, foreignInode } = suspect;
    if (foreignInode !== undefined) return holder && this.#gone(holder);
    if (socket === undefined) return this.pendingOf(fd);
    return this.#received(suspect) ?? this.#shared(suspect);
  }

  /** A socket without a JS socket that the other process has not taken yet. */
  pendingOf(fd: number): Transfer | undefined {
    const to = [...this.#children(), process].find((each) => fdSentTo(each) === fd);
    if (to === undefined) return undefined;
    const pid = to === process ? this.#startedBy : pidOf(to);
    return pid === undefined || pid <= 0 ? undefined : { direction: 'sent', as: 'message', pid };
  }

  /**
   * Whether a socket that is open here may be on its way to another process too, as one sent with `keepOpen` is until a slow
   * child takes it: no process's fds show it then. What is under way may be any that its server has accepted.
   */
  mayBeUnderWay({ socket }: Transferred): boolean {
    const server = socket && serverOf(socket);
    const receivers = server ? childrenSentSocketsOf(server) : [...this.#children().filter(isRunning), process];
    return receivers.some(awaitsConfirmation);
  }

  /**
   * What a child has at one of the fds that it was started with, it was given as stdio. All others of this process were closed
   * there (O_CLOEXEC), so a socket at a later fd was sent.
   */
  #gone({ pid, fd }: Holder): Transfer | undefined {
    // The pid of one that has ended may be another's by now.
    const child = this.#children().find((each) => pidOf(each) === pid && isRunning(each));
    const standard = child && stdioCount(child);
    if (standard === undefined) return undefined;
    return { direction: 'sent', as: fd < standard ? 'stdio' : 'message', pid };
  }

  #received({ fd, socket, side }: Transferred): Transfer | undefined {
    if (socket === undefined || side !== 'inbound') return undefined;
    const sender = notesOf(socket)?.receivedFrom;
    if (sender !== undefined) return { direction: 'received', as: 'message', pid: sender };
    if (fd > LAST_STDIO_FD || serverOf(socket) !== undefined || this.#startedBy <= 0) return undefined;
    return { direction: 'received', as: 'stdio', pid: this.#startedBy };
  }

  /** Sent with `keepOpen`: this process and the child both have it. */
  #shared({ socket, fd }: Transferred): Transfer | undefined {
    const server = socket && serverOf(socket);
    if (!server || !hasSentSockets(server) || fdOf(socket) !== fd) return undefined;
    const inode = inodeOf(fd);
    if (inode === undefined) return undefined;
    for (const child of this.#children()) {
      const pid = pidOf(child);
      const there = pid === undefined ? undefined : fact(() => socketFdsOf(pid), undefined)?.get(inode);
      const transfer = pid === undefined || there === undefined ? undefined : this.#gone({ pid, fd: there });
      if (transfer?.as === 'message') return transfer;
    }
    return undefined;
  }
}
