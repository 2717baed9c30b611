import { readPid } from '../frame/pid.js';
import { onlyPositional } from '../frame/arguments.js';
import { jsonDocument } from '../frame/document.js';
import { CLEAN, COULD_NOT_LOOK, LEAKS, type Command } from '../frame/command.js';

export const doctor: Command = {
  name: 'doctor',
  summary: 'Says what is set and allowed here that leaks and their finding depend on.',
  usage: '[pid] [options]',
  options: {
    'self-test': { type: 'boolean', help: 'Makes a leak on loopback, and finds it.' },
    json: { type: 'boolean', help: 'The findings as JSON; schema/v1.json describes it.' },
  },
  help: () => `
Limits, time-outs that are 0, the kernel's settings, versions, and what the guard may look at here: a
line each, ok, note or problem, with what to do. With a pid the limits are those of that process.
It reads, and changes nothing. With --self-test it also makes a leak on loopback for a moment.
Exit status here: 0 no problem, 1 a problem, 2 the self-test did not find its leak.`,
  run: async (args, io) => {
    const pid =
      args.positionals.length === 0 ? undefined : readPid(onlyPositional(args, 'the pid of a process, or nothing'));
    const { examine } = await import('../doctor/examine.js');
    const findings = await examine({ pid, selfTest: args.values['self-test'] === true, io });
    if (args.values.json) io.out(jsonDocument('doctor', { findings }));
    else io.out((await import('../doctor/page.js')).pageOf(findings, io.columns));
    const problems = findings.filter(({ verdict }) => verdict === 'problem');
    if (problems.some(({ check }) => check === 'self-test')) return COULD_NOT_LOOK;
    return problems.length > 0 ? LEAKS : CLEAN;
  },
};
