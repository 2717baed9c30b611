import { statSync } from 'node:fs';
import { createHttpServer } from '../../base/http.js';
import { grouped } from '../../leaks/phrases.js';
import { fdLimitsOf } from '../processes/identity.js';
import { note, ok, problem, type Finding } from './finding.js';
import { procNumbers } from './system-files.js';

/** Fewer than these a server with some thousand clients, and a leak, uses up soon. */
const FEW_FDS = 4_096;
const NEARLY_FULL = 0.9;

/** @param pid whose limits: `self` for those that a process started here gets */
export function limitFindings(pid: number | 'self'): Finding[] {
  return [fdLimit(pid), fdUsage(pid), ...systemWideFds(), ...(pid === 'self' ? timeoutsOfNode() : [])].flat();
}

function fdLimit(pid: number | 'self'): Finding {
  const { soft, hard } = fdLimitsOf(pid);
  if (soft === undefined)
    return note('nofile', 'the limit of open fds is not shown', 'run this as root, or as the user of that process');
  const text = `a process may have ${limitText(soft)} fds open (soft RLIMIT_NOFILE; hard ${limitText(hard ?? soft)})`;
  const raise =
    'raise it: LimitNOFILE= of systemd, --ulimit nofile= of docker, ulimit -n of a shell; Node.js takes the hard one by itself';
  return soft < FEW_FDS ? note('nofile', text, raise) : ok('nofile', text);
}

const limitText = (limit: number): string => (limit === Infinity ? 'any number of' : grouped(limit));

function fdUsage(pid: number | 'self'): Finding[] {
  if (pid === 'self') return [];
  const open = openFdsOf(pid);
  const { soft = Infinity } = fdLimitsOf(pid);
  if (open === undefined) return [];
  const text = `it has ${grouped(open)} fds open`;
  return [
    open > NEARLY_FULL * soft
      ? problem(
          'fds',
          `${text} of ${limitText(soft)}`,
          `with none left it accepts nobody; what it has open: close-wait-guard inspect ${pid}`,
        )
      : ok('fds', text),
  ];
}

/** Linux 6.2 and later tell it as the size of the folder. */
function openFdsOf(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}/fd`).size || undefined;
  } catch {
    return undefined;
  }
}

function systemWideFds(): Finding[] {
  const [nrOpen] = procNumbers('sys/fs/nr_open');
  const [used = 0, , most = Infinity] = procNumbers('sys/fs/file-nr');
  const findings: Finding[] = [];
  if (nrOpen !== undefined) findings.push(ok('fs.nr_open', `no process can have more than ${grouped(nrOpen)} fds`));
  if (used > NEARLY_FULL * most) {
    findings.push(
      problem(
        'fs.file-max',
        `${grouped(used)} of ${grouped(most)} files are open on this machine`,
        'raise fs.file-max, or find who has them open: for each process, ls /proc/PID/fd | wc -l',
      ),
    );
  }
  return findings;
}

/** Of a server that this version of Node makes. A framework may set others, and so may the application. */
function timeoutsOfNode(): Finding[] {
  const { requestTimeout, headersTimeout, keepAliveTimeout, timeout } = createHttpServer();
  const text = `http servers of Node ${process.versions.node}: requestTimeout ${requestTimeout}, headersTimeout ${headersTimeout}, keepAliveTimeout ${keepAliveTimeout}, timeout ${timeout} ms`;
  const off = [...Object.entries({ requestTimeout, headersTimeout, keepAliveTimeout })].filter(
    ([, value]) => value === 0,
  );
  if (off.length > 0) {
    return [
      note('timeouts', text, `${off.map(([name]) => name).join(', ')} is 0, which is never: set it on the server`),
    ];
  }
  return [
    note(
      'timeouts',
      text,
      'timeout 0 is never, and none of them ends an upgraded, half-open or hijacked socket. Fastify sets requestTimeout to 0: set it there. What a running process has set, its code tells',
    ),
  ];
}
