import net from 'node:net';
import { once } from 'node:events';
import { release } from 'node:os';
import { loadBinding } from '../../kernel/loader.js';
import type { NativeBinding } from '../../kernel/native.js';
import { borrowSockets, listFdsOf } from '../../kernel/other-process.js';
import { errnoText, messageOf, missingHere, sockDiagRefused, unsupportedReason } from '../../kernel/self-check.js';
import { dumpSockets } from '../../kernel/sock-diag.js';
import { TcpState } from '../../base/tcp-states.js';
import { VERSION } from '../../base/version.js';
import { note, ok, problem, type Finding } from './finding.js';
import { procNumbers, procText } from './system-files.js';

/** Versions, and what the guard and `inspect` may look at here. */
export async function sightFindings(): Promise<Finding[]> {
  const loaded = loadBinding();
  const first = [versions(), kernel()];
  if (!loaded.binding) {
    return [
      ...first,
      problem('addon', `the addon does not work here: ${loaded.reason}`, 'see docs/install.md of close-wait-guard'),
    ];
  }
  const { binding } = loaded;
  const unsupported = unsupportedReason(binding);
  if (unsupported !== undefined)
    return [...first, problem('addon', unsupported, 'no guard can work here; see docs/limits.md')];
  return [
    ...first,
    ok('addon', `the addon is loaded (${binding.cLibrary})`),
    ...missingHere(binding).map(({ operation, why }) =>
      problem(operation, why, 'allow it in the sandbox; see docs/install.md'),
    ),
    sockDiag(binding),
    ...(await otherProcesses(binding)),
    ...permissionModel(),
  ];
}

function versions(): Finding {
  const text = `close-wait-guard ${VERSION}, Node.js ${process.versions.node} on ${process.platform}-${process.arch}`;
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isOld = major < 20 || (major === 20 && minor < 19);
  return isOld ? problem('versions', text, 'it needs Node.js 20.19 or later') : ok('versions', text);
}

function kernel(): Finding {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const since = (wantedMajor: number, wantedMinor: number): boolean =>
    major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
  const text = `Linux ${release()}`;
  if (!since(5, 6)) {
    return note(
      'kernel',
      text,
      'before 5.6 inspect cannot tell reset sockets of other processes, before 6.2 a stalled socket is told by 64 KiB of unread bytes alone',
    );
  }
  return since(6, 2)
    ? ok('kernel', text)
    : note('kernel', text, 'before 6.2 a stalled socket is told by 64 KiB of unread bytes alone');
}

function sockDiag(binding: NativeBinding): Finding {
  try {
    dumpSockets(binding, [TcpState.LISTEN]);
    return ok('sock_diag', 'sock_diag(7) may be asked for the sockets of this network namespace');
  } catch (error) {
    return problem(
      'sock_diag',
      sockDiagRefused(error),
      'allow AF_NETLINK: RestrictAddressFamilies= of systemd, the seccomp profile of a container',
    );
  }
}

async function otherProcesses(binding: NativeBinding): Promise<Finding[]> {
  return [procIsShown(), ...(await borrowing(binding)), ...ptraceScope()];
}

function procIsShown(): Finding {
  const mounts = procText('self/mountinfo');
  if (mounts === undefined)
    return problem('proc', '/proc is not mounted, or not shown', 'mount it: without it no process can be looked into');
  const options = mounts.split('\n').find((line) => / \/proc .* - proc /.test(line)) ?? '';
  const hidden = /\bhidepid=(?!0\b|off\b)(\w+)/.exec(options)?.[1];
  if (hidden === undefined) return ok('proc', '/proc shows all processes');
  return note(
    'proc',
    `/proc shows own processes only (hidepid=${hidden})`,
    'run inspect as root, or as the user of the process',
  );
}

/** Tried on a listener of this process: a sandbox refuses the call whatever it is made on. */
async function borrowing(binding: NativeBinding): Promise<Finding[]> {
  const server = net.createServer();
  try {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { unlisted } = listFdsOf(binding, process.pid);
    const rows = borrowSockets(binding, process.pid, unlisted);
    const refused = rows.find(({ errno }) => errno !== 0);
    if (refused) return [borrowingRefused(errnoText(refused.errno))];
    return [ok('pidfd_getfd', 'pidfd_getfd(2) works: inspect can tell reset sockets, in no table of the kernel')];
  } catch (error) {
    return [borrowingRefused(messageOf(error))];
  } finally {
    server.close();
  }
}

function borrowingRefused(why: string): Finding {
  return note(
    'pidfd_getfd',
    `pidfd_getfd(2) does not work here (${why}): inspect cannot tell reset sockets of other processes`,
    'Linux 5.6, and a sandbox that allows it; docker does with --cap-add SYS_PTRACE',
  );
}

const SCOPES = ['', 'only of child processes, but for root', 'for root alone', 'for nobody'];

function ptraceScope(): Finding[] {
  const [scope = 0] = procNumbers('sys/kernel/yama/ptrace_scope');
  if (scope === 0) return [ok('ptrace_scope', 'a process may be read by its own user, and by root')];
  const text = `kernel.yama.ptrace_scope is ${scope}: reset sockets are told ${SCOPES[scope] ?? 'for nobody'}`;
  return [note('ptrace_scope', text, 'run inspect as root where it says that sockets could not be read')];
}

function permissionModel(): Finding[] {
  const isOn = (process as { permission?: unknown }).permission !== undefined;
  if (!isOn) return [];
  return [
    note(
      'permission',
      'the permission model of Node.js is on',
      'a guard under it needs --allow-addons, and --allow-fs-read of its package; docs/install.md',
    ),
  ];
}
