import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';

export const root = path.resolve(import.meta.dirname, '../..');
/** The addon that is tested: what was built here, or what scripts/check-binaries has it run with. */
export const addonFile = process.env.CWG_TESTED_ADDON ?? path.join(root, 'build/Release/close_wait_guard.node');
/** Programs that tests run; they use the built package (dist/), as a user's would. */
export const programs = path.join(root, 'test/fixtures/programs');

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Environment = Record<string, string | undefined>;

/** Runs Node to its end. It is killed after a while, which shows as a signal in the outcome. */
export async function runNode(args: readonly string[], env: Environment = {}, timeout = 45_000): Promise<Outcome> {
  return outcomeOf(spawnNode(args, env, timeout));
}

/** Runs an ES module given as text. It can import the package by its name. */
export async function runModule(
  code: string,
  nodeArgs: readonly string[] = [],
  env: Environment = {},
): Promise<Outcome> {
  return runNode([...nodeArgs, '--input-type=module', '-e', code], env);
}

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const [stdout, stderr, [code, signal]] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { code, signal, stdout, stderr };
}

export function spawnNode(args: readonly string[], env: Environment = {}, timeout = 60_000): ChildProcess {
  return spawn(process.execPath, args, {
    cwd: root,
    env: { ...environmentOfAUser(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout,
  });
}

/** This environment without what vitest and npm put into it. */
export function environmentOfAUser(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(npm_|VITEST|NODE_ENV$|NODE_OPTIONS$|TEST|CLOSE_WAIT_GUARD)/.test(name),
    ),
  );
}

/** The one JSON value that a program printed; what went wrong, when it printed something else. */
export function jsonOf({ code, signal, stdout, stderr }: Outcome): any {
  try {
    return JSON.parse(stdout);
  } catch (error) {
    throw new Error(`exit ${code ?? signal}\nstdout: ${stdout}\nstderr: ${stderr}`, { cause: error });
  }
}

/** Connects from another process, says `data` and closes at once. */
export function visitFromOutside(port: number, data: string): ChildProcess {
  const code = `
    const socket = require('node:net').connect(${port}, '127.0.0.1', () => socket.end(${JSON.stringify(data)}, () => process.exit()));
    socket.on('error', () => process.exit(1));`;
  return spawnNode(['-e', code]);
}

/** Blocks this thread's event loop, as a long computation does. */
export function blockEventLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
