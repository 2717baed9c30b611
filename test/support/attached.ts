import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { CLOSE_WAIT, kernelRows, LISTEN } from './kernel-view.js';
import { environmentOfAUser, outcomeOf, programs, root, type Outcome } from './programs.js';
import type { Stage } from './stage.js';
import { until } from './until.js';

/** The command as it is built. */
export const cli = path.join(root, 'dist/cli.js');

/** A process that nobody prepared, forked for the messages that it answers. */
export class Prepared {
  stderr = '';

  private constructor(
    readonly child: ChildProcess,
    /** What it said when it was ready. */
    readonly ready: any,
  ) {
    child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
  }

  static async start(
    stage: Stage,
    program = 'looked-into.mjs',
    { args = [], execArgv = ['--inspect-port=0'] }: { args?: readonly string[]; execArgv?: readonly string[] } = {},
  ): Promise<Prepared> {
    const child = fork(path.join(programs, program), args, {
      execArgv: [...execArgv],
      env: environmentOfAUser(),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    stage.defer(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
    const [ready] = (await once(child, 'message')) as [unknown];
    return new Prepared(child, ready);
  }

  get pid(): number {
    return this.child.pid!;
  }

  async ask(message: string): Promise<any> {
    const answer = once(this.child, 'message', { signal: AbortSignal.timeout(10_000) });
    this.child.send(message);
    return (await answer)[0];
  }

  /** A connection to a port of its, whose client says something and leaves; waits for CLOSE_WAIT. */
  async leak(port: number, data: string): Promise<void> {
    const client = net.connect(port, '127.0.0.1');
    await once(client, 'connect');
    client.end(data);
    const { localPort } = client;
    await until('CLOSE_WAIT', () =>
      kernelRows().some((row) => row.localPort === port && row.remotePort === localPort && row.state === CLOSE_WAIT),
    );
    client.destroy();
  }

  /** The ports that it listens on, by the kernel's account. */
  ports(): number[] {
    const inodes = readdirSync(`/proc/${this.pid}/fd`).map((fd) => linkOf(`/proc/${this.pid}/fd/${fd}`));
    return kernelRows()
      .filter(({ state, inode }) => state === LISTEN && inodes.includes(`socket:[${inode}]`))
      .map(({ localPort }) => localPort)
      .sort();
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}

/** Below those that the kernel gives to whoever asks for any: nobody takes them before they are used. */
const FIRST_PORT = 20_000;

/** The first of two free ports in a row. */
export async function freePair(): Promise<number> {
  let port = FIRST_PORT + (process.pid % 5_000) * 2;
  while (!(await isFree(port)) || !(await isFree(port + 1))) port += 2;
  return port;
}

function isFree(port: number): Promise<boolean> {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** Runs the command to its end. */
export function runCommand(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return outcomeOf(spawnCommand(args, env));
}

export function spawnCommand(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [cli, ...args], {
    cwd: root,
    env: { ...environmentOfAUser(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
}
