import type { Command } from '../frame/command.js';

/**
 * In the order of the help. A sub-command is a file beside this one, entered here. It is loaded when it is asked for: what one of them
 * needs, the others do not wait for.
 */
export const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['attach', async () => (await import('./attach.js')).attach],
  ['inspect', async () => (await import('./inspect.js')).inspect],
  ['doctor', async () => (await import('./doctor.js')).doctor],
  ['run', async () => (await import('./run.js')).run],
  ['explain', async () => (await import('./explain.js')).explain],
]);
