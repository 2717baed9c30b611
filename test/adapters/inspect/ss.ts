import { spawnSync } from 'node:child_process';
import type { InspectedSocket } from '../../../src/inspect/processes/socket.js';
import { as, type User } from './targets.js';

/** Why ss cannot be asked; undefined where it can. */
export const missingSs = spawnSync('ss', ['-V']).error?.message;

/** As ss has it: state, queues, both ends, pid and fd. */
export interface SsRow {
  readonly state: string;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly local: string;
  readonly peer: string;
  readonly fd: number;
}

/** What `ss -tanp` shows a user of the sockets of a process, in the order of their fds. */
export function ssRows(pid: number, user: User): SsRow[] {
  const [program = '', ...args] = as(user, ['ss', '-tanp']);
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
  if (status !== 0) throw new Error(`ss ended with ${status}`);
  const rows = stdout.split('\n').flatMap((line) => {
    const holder = new RegExp(`pid=${pid},fd=(\\d+)`).exec(line);
    if (!holder) return [];
    const [state = '', receiveQueue, sendQueue, local = '', peer = ''] = line.trim().split(/\s+/);
    return [
      {
        ...{ state, receiveQueue: Number(receiveQueue), sendQueue: Number(sendQueue), fd: Number(holder[1]) },
        ...{ local: endOfSs(local), peer: peer.endsWith(':*') ? '' : endOfSs(peer) },
      },
    ];
  });
  return rows.sort((a, b) => a.fd - b.fd);
}

/** IPv4-mapped addresses as IPv4, and what ss calls `*` by its address: as the report has them. */
function endOfSs(text: string): string {
  return text.replace(/^\[::ffff:([\d.]+)\]/, '$1').replace(/^\*:/, '[::]:');
}

const SS_NAMES: Readonly<Record<string, string>> = { ESTABLISHED: 'ESTAB', CLOSE: 'UNCONN' };

/** The same of what `inspect` tells. */
export function rowsOf(sockets: readonly InspectedSocket[]): SsRow[] {
  return sockets
    .map(({ fd, state, receiveQueue = -1, sendQueue = -1, ...ends }) => ({
      ...{
        state: SS_NAMES[state] ?? state.replaceAll('_', '-').replace(/WAIT(\d)$/, 'WAIT-$1'),
        receiveQueue,
        sendQueue,
        fd,
      },
      local: endText(ends.localAddress, ends.localPort),
      peer: endText(ends.remoteAddress, ends.remotePort),
    }))
    .sort((a, b) => a.fd - b.fd);
}

function endText(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return '';
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
