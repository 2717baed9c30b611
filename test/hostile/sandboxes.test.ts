import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GuardStats } from '../../src/guard/stats.js';
import { logLines, PRELOAD, SETTINGS } from '../support/preloaded.js';
import { environmentOfAUser, jsonOf, outcomeOf, root, type Outcome } from '../support/programs.js';

/** What programs/sandboxed.mjs prints. */
interface Found extends Pick<GuardStats, 'supported' | 'unsupportedReason' | 'fds' | 'listeners' | 'listenOverflows'> {
  /** How often the one leak was told. */
  readonly found: number;
  /** Reports of anything else. */
  readonly others: readonly unknown[];
  readonly counted: Readonly<Record<string, number>>;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

interface Ran extends Outcome {
  readonly log: string;
}

const program = path.join(import.meta.dirname, 'programs/sandboxed.mjs');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sandboxes-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the program with something before it on the command line. */
async function runBehind(wrapper: readonly string[], ...args: string[]): Promise<Ran> {
  const log = path.join(folder, `${Math.random()}.jsonl`);
  const preload = args.includes('preloaded') ? PRELOAD : [];
  const [command = '', ...rest] = [...wrapper, process.execPath, ...preload, program, ...args];
  const child = spawn(command, rest, {
    cwd: root,
    env: { ...environmentOfAUser(), ...SETTINGS, CLOSE_WAIT_GUARD_LOG: log },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  return { ...(await outcomeOf(child)), log };
}

/** A shell in a mount namespace of its own, as root there, that prepares it and becomes the program. */
const inNamespace = (prepare: string): string[] => ['unshare', '-rm', 'sh', '-c', `${prepare} && exec "$@"`, 'sh'];

function refused(wrapper: readonly string[]): string {
  const [command = '', ...args] = wrapper;
  const { status, stderr, error } = spawnSync(command, [...args, 'true'], { encoding: 'utf8' });
  return status === 0 ? '' : `${command}: ${error?.message ?? stderr.trim()}`;
}

/** The one leak is found once, nothing else is, and each failure that was counted is said once. */
function expectFound(ran: Ran, counted: readonly string[]): Found {
  const found = jsonOf(ran) as Found;
  expect(found).toMatchObject({ supported: true, found: 1, others: [] });
  expect(Object.keys(found.counted).sort()).toEqual([...counted].sort());
  expect(found.warnings.map(({ code }) => code).sort()).toEqual(
    counted.map((operation) => `CWG_WARN_${operation.toUpperCase()}`).sort(),
  );
  return found;
}

const leaksIn = (ran: Ran): unknown[] => logLines(ran.log).filter(({ event }) => event === 'leak');

describe(
  'in a sandbox the leak is found, nobody else is named, and what is missing is said',
  { timeout: 90_000 },
  () => {
    it('that refuses AF_NETLINK (seccomp)', async ({ skip }) => {
      const filter = path.join(folder, 'no-netlink');
      const source = path.join(import.meta.dirname, 'programs/no-netlink.c');
      try {
        execFileSync('cc', ['-Wall', '-Wextra', '-Werror', '-o', filter, source]);
      } catch (error) {
        skip(
          (error as NodeJS.ErrnoException).code === 'ENOENT',
          'there is no C compiler (cc) to build the filter with',
        );
        throw error;
      }
      skip(refused([filter]) !== '', `no seccomp filter can be set here: ${refused([filter])}`);
      const found = expectFound(await runBehind([filter]), ['sock_diag']);
      expect(found.warnings[0]?.message).toMatch(/socket: Operation not permitted/);
      expect(found.listeners[0]?.acceptQueueCloseWait).toBeUndefined();
    });

    it('whose /proc hides other processes (hidepid)', async ({ skip }) => {
      // A /proc of its own needs a process namespace of its own where this one's is not all visible.
      const wrapper = ['unshare', '-rmpf', 'sh', '-c', 'mount -t proc -o hidepid=2 proc /proc && exec "$@"', 'sh'];
      const why = refused(wrapper);
      skip(why !== '', `such a /proc cannot be had here: ${why}`);
      expectFound(await runBehind(wrapper), []);
      expect(leaksIn(await runBehind(wrapper, 'preloaded'))).toHaveLength(1);
    });

    it('whose /proc was mounted over', async ({ skip }) => {
      const wrapper = inNamespace('mount -t tmpfs none /proc');
      const why = refused(wrapper);
      skip(why !== '', `nothing can be mounted here: ${why}`);
      const found = expectFound(await runBehind(wrapper), []);
      expect(found.listenOverflows).toBeUndefined();
      expect(found.fds.open).toBeUndefined();
      expect(leaksIn(await runBehind(wrapper, 'preloaded'))).toHaveLength(1);
    });

    it('with a read-only file system: the log goes to stderr', async ({ skip }) => {
      const wrapper = inNamespace(`mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder}`);
      const why = refused(wrapper);
      skip(why !== '', `nothing can be mounted read-only here: ${why}`);
      const { code, stderr } = await runBehind(wrapper, 'preloaded');
      expect(code).toBe(0);
      expect(stderr.match(/^\{"event":"leak".*\}$/gm)).toHaveLength(1);
      expect(stderr.match(/cannot be opened \(EROFS/g)).toHaveLength(1);
    });

    it('of another user', async ({ skip }) => {
      const wrapper = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all'];
      skip(process.getuid?.() !== 0, 'only root can run a program as another user');
      skip(refused(wrapper) !== '', `setpriv does not work here: ${refused(wrapper)}`);
      expectFound(await runBehind(wrapper), []);
    });

    it('that gives up root while it runs: its log stays open', async ({ skip }) => {
      skip(process.getuid?.() !== 0, 'only root can give it up');
      expectFound(await runBehind([], 'nobody'), []);
      expect(leaksIn(await runBehind([], 'nobody', 'preloaded'))).toHaveLength(1);
    });
  },
);
