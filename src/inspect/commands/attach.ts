import { AttachReportWriter } from '../attach/output.js';
import { Attachment } from '../attach/attachment.js';
import { clusterWorkersOf, readTarget, type Target } from '../attach/target.js';
import { wait } from '../attach/wait.js';
import { onlyPositional, readNumber } from '../frame/arguments.js';
import {
  CLEAN,
  LEAKS,
  type Command,
  type CommandArguments,
  type CommandIo,
  type ExitStatus,
} from '../frame/command.js';
import { CommandError } from '../frame/errors.js';
import { readPid } from '../frame/pid.js';

const DEFAULT_TIMEOUT_MS = 2_000;
/** How often the guard is asked, ms: it ends by itself where it hears nothing for longer. */
const BEAT_MS = 500;

export const attach: Command = {
  name: 'attach',
  summary: 'Looks into a Node.js process that runs, and reports its leaks with cause and age.',
  usage: '<pid> [options]',
  options: {
    timeout: {
      type: 'string',
      value: 'MS',
      help: 'What makes no progress for so long is a leak, 100 to 3,600,000. Default 2000.',
    },
    watch: { type: 'boolean', help: 'Goes on until Ctrl-C, and tells each leak as it appears and ends.' },
    json: {
      type: 'boolean',
      help: 'One JSON document; with --watch one line for each event. schema/v1.json describes both.',
    },
    yes: { type: 'boolean', short: 'y', help: 'Sends SIGUSR1 without asking.' },
  },
  help: () => `
Puts a guard into a Node.js process (20.19 or later, of your own user) that nobody prepared, watches its TCP
sockets, reports, and takes everything out again.

The way in is Node's inspector. Where it is not open, SIGUSR1 opens it on 127.0.0.1:9229 until this command ends:
 - the process prints three lines to its stderr ("Debugger listening on …", "For help, see …", "Debugger attached.");
 - if it has a SIGUSR1 handler of its own, that runs;
 - meanwhile whoever can connect to that port on this machine can run code in the process, as in any debugging;
   if this command is killed before the guard is in (some tenths of a second), the port stays open.
If it is killed later, the guard takes everything back by itself within 5 s. The addon stays mapped.`,
  run: async (args, io): Promise<ExitStatus> => {
    const pid = readPid(onlyPositional(args, 'the pid of a process'));
    const timeoutMs = readNumber(args, 'timeout', [100, 3_600_000], 'milliseconds', DEFAULT_TIMEOUT_MS);
    const target = readTarget(pid);
    const workers = clusterWorkersOf(target);
    if (args.values.watch && workers.length > 0) {
      throw new CommandError(
        `process ${pid} is the primary of a cluster, whose workers open their inspectors on one port: --watch one of them, ${workers.map((each) => each.pid).join(', ')}`,
      );
    }
    const writer = new AttachReportWriter(io, {
      json: args.values.json === true,
      watch: args.values.watch === true,
      timeoutMs,
    });
    let mayOpen = args.values.yes === true;
    for (const each of [...workers, target]) {
      await lookInto(each, { args, io, timeoutMs, writer, mayOpen });
      // Asked once, for all of them.
      mayOpen = true;
    }
    return writer.finish() > 0 ? LEAKS : CLEAN;
  },
};

interface Look {
  readonly args: CommandArguments;
  readonly io: CommandIo;
  readonly timeoutMs: number;
  readonly writer: AttachReportWriter;
  readonly mayOpen: boolean;
}

async function lookInto(target: Target, { args, io, timeoutMs, writer, mayOpen }: Look): Promise<void> {
  io.progress(`looking into process ${target.pid} (${target.command})`);
  const attachment = await Attachment.begin(target, {
    timeoutMs,
    signal: io.signal,
    mayOpen: () => (mayOpen ? Promise.resolve() : askToOpen(target, io)),
  });
  try {
    writer.begin(attachment);
    io.progress(`watching for ${timeoutMs} ms what makes no progress`);
    for (;;) {
      const { found, settled } = await attachment.beat();
      writer.take(found);
      if (settled && !args.values.watch) break;
      if (io.signal.aborted) break;
      await wait(settled ? 2 * BEAT_MS : BEAT_MS, io.signal);
    }
    writer.end(attachment, await attachment.counts());
  } finally {
    io.progress(undefined);
    await attachment.end();
  }
  if (!args.values.watch) io.signal.throwIfAborted();
}

async function askToOpen({ pid, command }: Target, { confirm, progress }: CommandIo): Promise<void> {
  const what = `SIGUSR1 opens the inspector of process ${pid} (${command}) while this looks: it prints three lines to its stderr, and a SIGUSR1 handler of its own would run`;
  if (confirm === undefined) throw new CommandError(`${what}. Say that it may: --yes`);
  progress(undefined);
  if (!(await confirm(`${what}. Send it?`))) throw new CommandError('nothing was sent');
}
