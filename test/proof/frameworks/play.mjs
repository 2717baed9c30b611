// Runs a program of a framework with the preload in it, lets a client leave it, and asks the kernel and the guard.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { getDefaultHighWaterMark } from 'node:stream';
import tls from 'node:tls';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installApi } from '../../../scripts/install-apis.mjs';
import { environmentOfAUser } from '../../../scripts/npm-cache.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const apps = fileURLToPath(new URL('apps/', import.meta.url));
/** As in test/support/upload.ts: nobody reads it, and its sender's FIN still arrives. */
const UPLOAD_BYTES = 65_536 + getDefaultHighWaterMark(false) + 24_576;
const SETTINGS = { CLOSE_WAIT_GUARD_TIMEOUT_MS: '1000', CLOSE_WAIT_GUARD_INTERVAL_MS: '100' };
const START_MS = 60_000;
/** Longer than it takes to report. */
const REPORT_MS = 30_000;
/** A leak that a fix has ended is gone before a keep-alive time-out could have done it. */
const GONE_MS = 3000;

/**
 * The leak of a row, and what is left of it with the fix typed in.
 * @returns `report` of the leak (undefined where there was none), the `fix` that it names (undefined where it names none of the
 *   row's), `leaked` and `gone` as the kernel says, `died`
 * @throws Error with npm's words, or what the program said
 */
export async function play(row) {
  const home = row.api === undefined ? root : installApi(row.api);
  const leaky = await inProgram(home, row, undefined, async (program, client) => {
    const report = await program.leak().catch(() => undefined);
    return { report, leaked: isHalfClosed(program.port, client) };
  });
  const fix = row.fixes.find((each) => leaky.report?.fix.includes(each));
  if (fix === undefined) return leaky;
  const fixed = await inProgram(home, row, fix, async (program, client) => {
    const gone = await until(GONE_MS, () => !isHeld(program.port, client));
    return { gone: gone === true, died: program.died };
  });
  return { ...leaky, fix, ...fixed };
}

async function inProgram(home, row, fix, observe) {
  fs.mkdirSync(path.join(home, '.scratch'), { recursive: true });
  const work = fs.mkdtempSync(path.join(home, '.scratch/framework-'));
  try {
    fs.cpSync(apps, work, { recursive: true });
    if (fix !== undefined) typeIn(path.join(work, row.file), fix);
    const program = await start(path.join(work, row.app), work);
    try {
      if (row.warm) await (await fetch(`http://127.0.0.1:${program.port}${row.target}`)).text();
      const client = await (row.upgrade ? pausedWebSocket : upload)(program.port, row);
      return await observe(program, client);
    } finally {
      await program.stop();
    }
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

const HERE = '// The fix goes here.';

function typeIn(file, fix) {
  const source = fs.readFileSync(file, 'utf8');
  if (source.split(HERE).length !== 2) throw new Error(`${file} has no one place for the fix`);
  fs.writeFileSync(file, source.replace(HERE, `${fix};`));
}

async function start(file, work) {
  const log = path.join(work, 'guard.jsonl');
  const child = spawn(process.execPath, ['--import', pathToFileURL(path.join(root, 'dist/register.js')).href, file], {
    cwd: work,
    // A group of its own: what it has started ends with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...environmentOfAUser(),
      ...SETTINGS,
      CLOSE_WAIT_GUARD_LOG: log,
      NEXT_TELEMETRY_DISABLED: '1',
      TLS_FOLDER: path.join(root, 'test/fixtures/tls'),
    },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  const program = {
    port: 0,
    died: undefined,
    async leak() {
      const found = await until(REPORT_MS, () => eventsIn(said, log).find(({ event }) => event === 'leak'));
      if (!found) throw new Error(`no report: ${said.slice(-1000)}`);
      return found.leak;
    },
    async stop() {
      if (program.died !== undefined) return;
      const exit = once(child, 'exit');
      process.kill(-child.pid, 'SIGKILL');
      await exit;
    },
  };
  child.once('exit', (code, signal) => (program.died = signal ?? `exit ${code}`));
  const port = await until(START_MS, () => program.died ?? /^port (\d+)$/m.exec(said)?.[1]);
  if (program.died !== undefined || port === undefined) {
    await program.stop();
    throw new Error(`it did not start (${program.died}): ${said.slice(-1000)}`);
  }
  program.port = Number(port);
  return program;
}

/** The preload's lines, and those of a program that has a guard of its own. */
function eventsIn(said, log) {
  const text = said + (fs.existsSync(log) ? fs.readFileSync(log, 'utf8') : '');
  return text
    .split('\n')
    .filter((line) => line.startsWith('{"event"'))
    .flatMap((line) => {
      try {
        return [JSON.parse(line)];
      } catch {
        // It is being written.
        return [];
      }
    });
}

/** Uploads what nobody reads, and leaves. @returns its port */
async function upload(port, { target, secure = false }) {
  const socket = secure
    ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : net.connect({ port, host: '127.0.0.1' });
  await once(socket, secure ? 'secureConnect' : 'connect');
  const { localPort } = socket;
  socket.on('error', () => {}).resume();
  socket.write(
    `POST ${target} HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/octet-stream\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n`,
  );
  await new Promise((resolve) => socket.write(Buffer.alloc(UPLOAD_BYTES - 1), resolve));
  socket.end();
  return localPort;
}

/** Says something, which pauses the WebSocket, says more, and leaves. @returns its port */
async function pausedWebSocket(port, { target }) {
  const socket = net.connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const { localPort } = socket;
  socket.on('error', () => {});
  socket.write(
    `GET ${target} HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
  );
  await once(socket, 'data');
  // A masked text frame, `hello`.
  const frame = Buffer.concat([Buffer.from([0x81, 0x85, 0, 0, 0, 0]), Buffer.from('hello')]);
  socket.resume().write(frame);
  // As much as the two ends between them do not take.
  await new Promise((resolve) => socket.write(Buffer.concat(Array.from({ length: 9000 }, () => frame)), resolve));
  socket.end();
  return localPort;
}

const CLOSE_WAIT = '08';

function isHalfClosed(port, client) {
  return rowsOf(port, client).some(({ state }) => state === CLOSE_WAIT);
}

/** A program has an fd on it. */
function isHeld(port, client) {
  return rowsOf(port, client).some(({ inode }) => inode !== '0');
}

function rowsOf(port, client) {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => {
    if (!fs.existsSync(file)) return [];
    return fs
      .readFileSync(file, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local, remote]) => portOf(local) === port && portOf(remote) === client)
      .map(([, , , state, , , , , , inode]) => ({ state, inode }));
  });
}

function portOf(address = '') {
  return parseInt(address.slice(address.lastIndexOf(':') + 1), 16);
}

async function until(ms, find) {
  const end = performance.now() + ms;
  for (;;) {
    const found = find();
    if ((found !== undefined && found !== false) || performance.now() > end) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
