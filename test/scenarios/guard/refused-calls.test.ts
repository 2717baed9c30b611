import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TcpState } from '../../../src/base/tcp-states.js';
import type { GuardStats } from '../../../src/guard/stats.js';
import type { LeakReport } from '../../../src/leaks/report.js';
import { jsonOf, programs, root, runNode } from '../../support/programs.js';

interface Found {
  readonly supported: boolean;
  readonly reason: string | undefined;
  readonly leaked: readonly (Pick<LeakReport, 'kind' | 'cause'> & { readonly name: string })[];
  readonly states: Readonly<Record<string, number>>;
  readonly errors: GuardStats['errors'];
  readonly listeners: GuardStats['listeners'];
  readonly watched: number;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

interface Refusal {
  /** As in fixtures/faults/refused-calls.c; '' refuses nothing. */
  readonly call: string;
  readonly when?: 'later';
  /** The operation that is counted and said once. */
  readonly counted?: keyof GuardStats['errors'];
  /** In what is said. */
  readonly says?: RegExp;
}

/** Of TCP_INFO, and where that is refused of netlink. */
const QUEUE_AND_LIMIT = [0, 511];

const refusals: Refusal[] = [
  { call: '' },
  { call: 'cookie refused', counted: 'cookie', says: /SO_COOKIE.*ENOPROTOOPT.*inode/ },
  { call: 'cookie zero', counted: 'cookie', says: /SO_COOKIE.*inode/ },
  { call: 'info refused', counted: 'tcp_info', says: /TCP_INFO.*ENOPROTOOPT.*poll/ },
  { call: 'info refused', when: 'later', counted: 'tcp_info', says: /poll/ },
  { call: 'info zero', counted: 'tcp_info', says: /TCP_INFO.*poll/ },
  { call: 'info of one byte', counted: 'tcp_info', says: /TCP_INFO.*short/ },
  { call: 'info of an old kernel', counted: 'tcp_info', says: /TCP_INFO.*short/ },
  { call: 'queues refused', counted: 'queues', says: /SIOCINQ.*EPERM/ },
  { call: 'watch full', counted: 'watch_add', says: /epoll_ctl.*ENOSPC/ },
  { call: 'watch full for a while', counted: 'watch_add', says: /epoll_ctl.*ENOSPC/ },
  { call: 'watch denied', when: 'later', counted: 'watch_add', says: /epoll_ctl.*EPERM/ },
  { call: 'wait fails', counted: 'watch_wait', says: /epoll_wait/ },
  { call: 'wait fails once', when: 'later', counted: 'watch_wait', says: /epoll_wait/ },
  { call: 'no epoll set', counted: 'watch_wait', says: /epoll_create1/ },
  { call: 'netlink refused', counted: 'sock_diag', says: /socket.*not permitted/ },
  { call: 'netlink silent', counted: 'sock_diag', says: /sendto|recvmsg/ },
];

const nameOf = ({ call, when }: Refusal): string => `${call || 'nothing'}${when ? ' after a while' : ''}`;

/** Each runs in a process of its own, which mostly waits: some at a time. */
const AT_A_TIME = 5;

let folder: string;
let library: string | undefined;
const outcomes = new Map<string, Promise<Found>>();

async function runUnder(...args: string[]): Promise<Found> {
  const { ASAN_OPTIONS: _, ...environment } = process.env;
  return jsonOf(
    await runNode([path.join(programs, 'under-refusal.mjs'), ...args], { ...environment, LD_PRELOAD: library }, 25_000),
  ) as Found;
}

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'refused-calls-'));
  const built = path.join(folder, 'refused-calls.so');
  const source = path.join(root, 'test/fixtures/faults/refused-calls.c');
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-Wall', '-Werror', '-o', built, source, '-ldl'], { encoding: 'utf8' });
    library = built;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return;
  }
  const lanes = Array.from({ length: AT_A_TIME }, () => Promise.resolve());
  refusals.forEach((refusal, i) => {
    const outcome = lanes[i % AT_A_TIME]!.then(() => runUnder(refusal.call, refusal.when ?? ''));
    outcomes.set(nameOf(refusal), outcome);
    lanes[i % AT_A_TIME] = outcome.then(
      () => undefined,
      () => undefined,
    );
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NO_COMPILER = 'there is no C compiler (cc) to build the double with';

describe('with a system call refused, every leak is still found and nothing healthy is', () => {
  it.for(refusals.map((refusal) => ({ title: nameOf(refusal), ...refusal })))('$title', async (refusal, { skip }) => {
    skip(!library, NO_COMPILER);
    const { title, counted, says } = refusal;
    const found = await outcomes.get(title)!;
    // What the kernel says of them at the end, which nobody refuses to this program; a reset one is in no table.
    expect(found.states).toEqual({
      leak1: TcpState.CLOSE_WAIT,
      leak2: TcpState.CLOSE_WAIT,
      leak3: TcpState.CLOSE_WAIT,
      idle: TcpState.ESTABLISHED,
      slowReader: TcpState.CLOSE_WAIT,
      slowWriter: TcpState.CLOSE_WAIT,
      stalled: TcpState.ESTABLISHED,
    });
    expect(found.leaked.map(({ name, kind, cause }) => `${name}: ${kind}, ${cause}`).sort()).toEqual([
      'leak1: close-wait, paused',
      'leak2: close-wait, paused',
      'leak3: close-wait, paused',
      'reset: reset, paused',
      'stalled: stalled, paused',
    ]);

    const failed = Object.entries(found.errors).filter(([, count]) => count > 0);
    expect(failed.map(([operation]) => operation)).toEqual(counted ? [counted] : []);
    expect(found.warnings.map(({ code }) => code)).toEqual(counted ? [`CWG_WARN_${counted.toUpperCase()}`] : []);
    if (says) expect(found.warnings[0]?.message).toMatch(says);
    const [queues] = found.listeners;
    expect([queues?.acceptQueue, queues?.acceptQueueLimit]).toEqual(QUEUE_AND_LIMIT);
  });
});

describe('where nothing tells one socket from another, no guard works, and it says why', () => {
  it.for([
    ['cookie the same', 'SO_COOKIE is the same for two sockets'],
    [
      'cookie and inode refused',
      'SO_COOKIE: ENOPROTOOPT (protocol not available), inode: ENOPROTOOPT (protocol not available)',
    ],
  ] as const)('%s', async ([call, why], { skip }) => {
    skip(!library, NO_COMPILER);
    const found = await runUnder(call);
    expect(found).toMatchObject({ supported: false, leaked: [], watched: 0 });
    expect(found.reason).toBe(`this kernel or sandbox does not tell one socket from another (${why})`);
    expect(found.warnings.map(({ code }) => code)).toEqual(['CWG_WARN_UNSUPPORTED']);
    expect(found.states).toMatchObject({ leak1: TcpState.CLOSE_WAIT, slowReader: TcpState.CLOSE_WAIT });
  });
});
