import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { environmentOfAUser, root } from '../../support/programs.js';
import type { Client, Stage } from '../../support/stage.js';
import { until } from '../../support/until.js';

const folder = path.join(root, 'test/fixtures/inspected');
/** Of Debian and others: the user that has nothing. */
export const NOBODY = 65_534;
const asNobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];

export const LANGUAGES = ['python', 'c', 'node'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The command line of another user, where there is one: `us` is whoever runs the tests. */
export type User = 'us' | 'nobody';
export const as = (user: User, command: readonly string[]): string[] => [
  ...(user === 'nobody' ? asNobody : []),
  ...command,
];

/** Why a test cannot have both users; undefined where it can. */
export function missingUsers(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can run programs as another user';
  const [program = '', ...args] = as('nobody', [process.execPath, cli, '--version']);
  const { status, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error) return `setpriv is missing (${error.message})`;
  return status === 0 ? undefined : `uid ${NOBODY} may not read this checkout, or not run ${process.execPath}`;
}

export const cli = path.join(root, 'dist/cli.js');

/** Runs the command, as a user. */
export function closeWaitGuard(args: readonly string[], user: User = 'us', env: NodeJS.ProcessEnv = {}) {
  const [program = '', ...rest] = as(user, [process.execPath, cli, ...args]);
  const { status, stdout, stderr } = spawnSync(program, rest, {
    ...{
      cwd: '/',
      encoding: 'utf8',
      env: { ...environmentOfAUser(), ...env },
      timeout: 30_000,
      maxBuffer: 64 * 1024 * 1024,
    },
  });
  return { status, stdout, stderr };
}

/** Compiled once in this process. */
let compiled: string | undefined;

export function compileTarget(): string {
  if (compiled !== undefined) return compiled;
  const out = mkdtempSync(path.join(tmpdir(), 'inspected-'));
  process.once('exit', () => rmSync(out, { recursive: true, force: true }));
  chmodSync(out, 0o755);
  const program = path.join(out, 'target');
  const { status, stderr } = spawnSync('cc', ['-O1', '-o', program, path.join(folder, 'target.c')], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`cc: ${stderr}`);
  return (compiled = program);
}

export function programOf(language: Language): string[] {
  if (language === 'c') return [compileTarget()];
  // Not one that a version manager keeps in a home, where others may not go.
  if (language === 'python') return ['/usr/bin/python3', '-u', path.join(folder, 'target.py')];
  return [process.execPath, path.join(folder, 'target.mjs')];
}

/** A program with a listener on `::`, and a way to connect with it. Its other sockets: one outbound, UDP, unix, never connected. */
export class Target {
  readonly #child: ChildProcess;
  readonly #stage: Stage;
  #done = 0;
  port = 0;

  private constructor(child: ChildProcess, stage: Stage) {
    this.#child = child;
    this.#stage = stage;
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const [word, value] = line.split(' ');
      if (word === 'port') this.port = Number(value);
      else this.#done++;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** @param actions what to do with each connection that comes: `h` holds it, `s` ends its writing, `w` writes until it is full */
  static async start(stage: Stage, language: Language, actions: string, user: User = 'us'): Promise<Target> {
    const sink = net.createServer((socket) => socket.on('error', () => {}));
    const outPort = await stage.listen(sink);
    const [program = '', ...args] = as(user, [...programOf(language), actions, String(outPort)]);
    const child = spawn(program, args, { cwd: '/', env: environmentOfAUser(), stdio: ['ignore', 'pipe', 'inherit'] });
    stage.defer(async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    });
    const target = new Target(child, stage);
    await until(`${language} to listen`, () => target.port > 0);
    return target;
  }

  /** The next action is done when it resolves. */
  async connect(host = '127.0.0.1', read = false): Promise<Client> {
    const before = this.#done;
    const client = await this.#stage.connect(this.port, host, { read });
    await until('it to accept', () => this.#done > before);
    return client;
  }
}
