// A measured process, and what it has found out.
import { fork } from 'node:child_process';
import { once } from 'node:events';

/** Runs a script of this folder with a task (its argument, as JSON); returns the one message that it sends before it ends. */
export async function measureInChild(script, task, { execArgv = [] } = {}) {
  const child = fork(script, [JSON.stringify(task)], { execArgv });
  let result;
  child.on('message', (message) => (result = message));
  const [code, signal] = await once(child, 'exit');
  if (result === undefined || code !== 0)
    throw new Error(`${script} ${JSON.stringify(task)} ended with ${signal ?? code}`);
  return result;
}

/** The task of this process; undefined where nobody measures with it. */
export function taskOfChild() {
  return process.send && process.argv[2] !== undefined ? JSON.parse(process.argv[2]) : undefined;
}

/** Whether the script was started by its name. */
export function isMain(url) {
  return process.argv[1] !== undefined && url === new URL(`file://${process.argv[1]}`).href;
}
