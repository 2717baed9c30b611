import { onlyPositional, readNumber } from '../frame/arguments.js';
import { CLEAN, COULD_NOT_LOOK, LEAKS, type Command } from '../frame/command.js';
import { jsonDocument } from '../frame/document.js';
import { readPid } from '../frame/pid.js';

/** One look alone, or up to an hour of watching. */
const TIMEOUT_MS = [0, 3_600_000] as const;
const DEFAULT_TIMEOUT_MS = 2_000;

export const inspect: Command = {
  name: 'inspect',
  summary: 'Looks at the sockets of any process from outside, whatever it is written in.',
  usage: '<pid> [options]',
  options: {
    timeout: {
      type: 'string',
      value: 'MS',
      help: `How long to watch for progress, 0 to 3600000 ms. Default ${DEFAULT_TIMEOUT_MS}.`,
    },
    all: { type: 'boolean', help: 'Healthy sockets one by one, too.' },
    json: { type: 'boolean', help: 'The report as JSON; schema/v1.json describes it.' },
  },
  help: () => `
Reads the fds and TCP sockets of a process through /proc and sock_diag twice, and tells which sockets
are half-closed, reset or stalled and made no progress in between. The process is not touched, and
does not notice. It needs to be your own, or you root.`,
  run: async (args, io) => {
    const timeoutMs = readNumber(args, 'timeout', TIMEOUT_MS, 'milliseconds', DEFAULT_TIMEOUT_MS);
    const pid = readPid(onlyPositional(args, 'the pid of a process'));
    // Loaded only when it is needed, as is its page: --help must not wait for the addon.
    const { inspectProcess } = await import('../processes/report.js');
    if (timeoutMs > 0) io.progress(`watching process ${pid} for ${timeoutMs / 1_000} s`);
    const report = await inspectProcess(pid, { timeoutMs, all: args.values.all === true, signal: io.signal });
    io.progress(undefined);
    if (args.values.json) io.out(jsonDocument('inspect', report));
    else io.out((await import('../processes/page.js')).pageOf(report, io.columns));
    if (report.leaks.length > 0) return LEAKS;
    return report.unread > 0 ? COULD_NOT_LOOK : CLEAN;
  },
};
