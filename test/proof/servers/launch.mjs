// Installs a published server and starts it with the preload.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { cached, environmentOfAUser } from '../../../scripts/npm-cache.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const apps = fileURLToPath(new URL('published/apps/', import.meta.url));
const START_MS = 60_000;

/** @returns the folder of the installation; @throws Error with npm's words */
export function install({ packages }) {
  return cached(`proof-${packages.join('+').replaceAll('/', '-')}`, packages);
}

/** The version that npm installed, as in `serve 14.2.7`. */
export function titleOf({ packages, mode }, folder) {
  const name = packages[0].slice(0, packages[0].lastIndexOf('@'));
  const { version } = readPackage(folder, name);
  return [name, version, mode].filter(Boolean).join(' ');
}

function readPackage(folder, name) {
  return JSON.parse(fs.readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8'));
}

/** The JavaScript file behind a command of a package. */
export function binOf(folder, name, command = name) {
  const { bin } = readPackage(folder, name);
  return path.join(folder, 'node_modules', name, typeof bin === 'string' ? bin : bin[command]);
}

/** What a proxy stands before; see upstream.mjs. */
export async function startUpstream() {
  const child = fork(fileURLToPath(new URL('upstream.mjs', import.meta.url)), { env: environmentOfAUser() });
  const [port] = await once(child, 'message');
  return { port, stop: () => child.disconnect() };
}

/** Starts it in a folder of its own below the installation, so that its imports are found there. */
export async function start(description, { folder, settings, upstreamPort }) {
  const port = await freePort();
  const work = fs.mkdtempSync(path.join(folder, 'run-'));
  const log = path.join(work, 'guard.jsonl');
  const output = path.join(work, 'output.txt');
  for (const [name, content] of Object.entries(description.files ?? {})) {
    fs.mkdirSync(path.dirname(path.join(work, name)), { recursive: true });
    fs.writeFileSync(path.join(work, name), content);
  }
  if (description.app !== undefined)
    fs.copyFileSync(path.join(apps, description.app), path.join(work, description.app));
  const env = {
    ...environmentOfAUser(),
    ...description.env,
    PORT: String(port),
    UPSTREAM_PORT: String(upstreamPort),
    NO_UPDATE_NOTIFIER: '1',
  };
  const bin = (name, command) => binOf(folder, name, command);
  // `sparePort`: for a second listener of the same program.
  const given = { port, sparePort: await freePort(), bin, work, upstreamPort };
  for (const args of description.prepare?.(given) ?? []) await run(args, { work, env });
  const args = description.start?.(given) ?? [description.app];
  const file = fs.openSync(output, 'w');
  const child = spawn(process.execPath, args, {
    cwd: work,
    // A group of its own, so that what it has started ends with it.
    detached: true,
    stdio: ['ignore', file, file],
    env: {
      ...env,
      NODE_OPTIONS: `--import ${pathToFileURL(path.join(root, 'dist/register.js'))}`,
      CLOSE_WAIT_GUARD_LOG: log,
      CLOSE_WAIT_GUARD_TIMEOUT_MS: String(settings.timeoutMs),
      CLOSE_WAIT_GUARD_INTERVAL_MS: String(settings.intervalMs),
    },
  });
  fs.closeSync(file);
  const server = new RunningServer(child, { port, work, log, output });
  await server.listens();
  return server;
}

class RunningServer {
  #child;

  constructor(child, { port, work, log, output }) {
    Object.assign(this, { port, work, log, output, pid: child.pid, died: undefined });
    this.#child = child;
    child.once('error', (error) => (this.died = error.message));
    child.once('exit', (code, signal) => (this.died = signal ?? `exit ${code}`));
  }

  async listens() {
    const until = performance.now() + START_MS;
    while (!(await answersAt(this.port))) {
      if (this.died !== undefined || performance.now() > until) {
        const said = fs.readFileSync(this.output, 'utf8').slice(-600);
        await this.stop();
        throw new Error(`it did not start (${this.died ?? 'no listener'}): ${said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** The events of the guard in this process and in those it has started. */
  events() {
    if (!fs.existsSync(this.log)) return [];
    return fs
      .readFileSync(this.log, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  async stop({ keep = false } = {}) {
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.pid !== undefined) {
      const exit = new Promise((resolve) => this.#child.once('exit', resolve));
      process.kill(-this.pid, 'SIGKILL');
      await exit;
    }
    if (!keep) fs.rmSync(this.work, { recursive: true, force: true });
  }
}

function run(args, { work, env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: work, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${args.join(' ')}: ${said.slice(-600)}`)),
    );
  });
}

function answersAt(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
