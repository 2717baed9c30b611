import { COMMANDS } from './commands/index.js';
import { runCommandLine } from './frame/run-command-line.js';

void runCommandLine(COMMANDS, process.argv.slice(2)).then((status) => {
  // Not exit(): what is still on its way to a pipe would be lost.
  process.exitCode = status;
});
