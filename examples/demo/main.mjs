#!/usr/bin/env node
/** `npm run demo`: the story on real sockets. `npm run demo -- --collision`: what comes of it when a port is used again. */
import { parseArgs } from 'node:util';
import { NotTrue } from './check.mjs';
import { red } from './print.mjs';

const HELP = `Usage: npm run demo [-- --collision]

  (no option)   Leaks sockets on purpose, and shows what the kernel, close-wait-guard and Prometheus
                say of them. On 127.0.0.1 only; takes about 4 s.
  --collision   Lets a new client use the port pair that a leaked socket still holds: first as it is,
                then behind a firewall that drops RSTs, then there with a guard that reclaims the leak. In a
                network namespace of its own, which needs no root, but does need unshare, ip and iptables.
                Takes about 12 s.
  --help        This text.

Exit status: 0 when what is shown is true, or could not be shown on this machine (it then says NOT SHOWN,
and why); 1 when something it claims did not happen; 2 for an option it does not know.
Colours are used on a terminal, unless NO_COLOR is set.`;

/** The demo is over by then, whatever happened. */
const DEADLINE_MS = 29_000;

async function main() {
  const options = parseOptions();
  if (options === undefined) return 2;
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  setTimeout(() => {
    console.error(red(`The demo did not end within ${DEADLINE_MS / 1000} s.`));
    process.exit(1);
  }, DEADLINE_MS).unref();
  try {
    if (options.collision) return await (await import('./namespace.mjs')).runCollision();
    return await (await import('./story.mjs')).tellStory();
  } catch (error) {
    if (error.code === 'ERR_MODULE_NOT_FOUND') {
      console.error(`${error.message}\n\n${red('The package is not built, or not installed: run npm ci first.')}`);
    } else if (error instanceof NotTrue) {
      console.error(`\n${red('NOT TRUE HERE:')} ${error.message}`);
    } else {
      throw error;
    }
    return 1;
  }
}

function parseOptions() {
  try {
    return parseArgs({ options: { collision: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } }).values;
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    return undefined;
  }
}

const code = await main();
// At once when something failed: the clients' process may still be there, and would keep this one waiting.
if (code === 1) process.exit(code);
process.exitCode = code;
