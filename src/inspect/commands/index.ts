import type { Command } from '../frame/command.js';
import { attach } from './attach.js';
import { explain } from './explain.js';
import { inspect } from './inspect.js';
import { run } from './run.js';

/** In the order of the help. A sub-command is a file beside this one, entered here. */
export const COMMANDS: readonly Command[] = [attach, inspect, run, explain];
