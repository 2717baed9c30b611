import { setTimeout } from 'node:timers';
import { httpGet } from '../../base/http.js';
import { TcpState } from '../../base/tcp-states.js';
import { isRecord } from '../../base/objects.js';
import { monotonicMs } from '../../base/clock.js';
import { commandOf } from '../../kernel/process-command.js';
import { CommandError } from '../frame/errors.js';
import { tablesOf } from '../processes/proc-tables.js';
import { processes, socketInodesOf } from './process-files.js';
import { whyNoSignal, type Target } from './target.js';

/** Where the inspector of a process is. */
export interface InspectorAt {
  readonly host: string;
  readonly port: number;
  /** Of the WebSocket, as in `/0f2c936f-…`. */
  readonly path: string;
  /** This command has opened it, and closes it. */
  readonly openedHere: boolean;
}

/** Where Node's inspector listens when nothing else is said. */
const DEFAULT_PORT = 9229;
/** How long Node takes to open it at most: its event loop has to take a turn. */
const OPENS_WITHIN_MS = 5_000;
const PAUSE_MS = 20;
const ANSWERS_WITHIN_MS = 2_000;
/** The list of one process is about 600 bytes. */
const MAX_LIST_BYTES = 64 * 1024;

/** The inspector of a process that has it open on a port that its options or Node's default name; undefined where there is none. */
export async function findInspector(target: Target): Promise<InspectorAt | undefined> {
  const likely = [...portsIn(target), DEFAULT_PORT];
  for (const listener of listenersOf(target.pid).filter(({ port }) => likely.includes(port))) {
    const path = await askForPath(listener);
    if (path !== undefined) return { ...reachable(listener), path, openedHere: false };
  }
  return undefined;
}

/**
 * Sends SIGUSR1, and waits for the inspector.
 * @throws CommandError where it must not be sent, where another process has the port, or where nothing opens
 */
export async function openInspector(target: Target, signal: AbortSignal): Promise<InspectorAt> {
  if (!target.opensAtSignal) throw new CommandError(whyNoSignal(target));
  const port = portsIn(target).at(-1) ?? DEFAULT_PORT;
  checkPortIsFree(target, port);
  const before = new Set(listenersOf(target.pid).map(({ inode }) => inode));
  process.kill(target.pid, 'SIGUSR1');
  const until = monotonicMs() + OPENS_WITHIN_MS;
  for (;;) {
    const opened = listenersOf(target.pid).filter(({ inode }) => !before.has(inode));
    for (const listener of opened) {
      const path = await askForPath(listener);
      if (path !== undefined) return { ...reachable(listener), path, openedHere: true };
    }
    if (monotonicMs() > until) break;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  // It may have been open all the time, on a port that nothing names: the signal then does nothing, and says nothing.
  for (const listener of listenersOf(target.pid).filter(({ address }) => isLoopback(address))) {
    const path = await askForPath(listener);
    if (path !== undefined) return { ...reachable(listener), path, openedHere: false };
  }
  throw new CommandError(
    `process ${target.pid} (${target.command}) did not open its inspector within ${OPENS_WITHIN_MS / 1_000} s of SIGUSR1: its event loop is blocked, or it was told not to (its stderr says more)`,
  );
}

function checkPortIsFree({ pid, command }: Target, port: number): void {
  const taken = port === 0 ? undefined : listenersAround(pid).find((listener) => listener.port === port);
  if (taken === undefined) return;
  const holder = holderOf(taken.inode);
  throw new CommandError(
    `port ${port}, on which process ${pid} (${command}) would open its inspector, is taken by ${holder}: SIGUSR1 would only print two errors there`,
  );
}

function holderOf(inode: number): string {
  const pids = processes().filter((pid) => socketInodesOf(pid)?.has(inode));
  const [pid] = pids;
  return pid === undefined ? 'another process (of another user)' : `process ${pid} (${commandOf(pid) ?? 'unknown'})`;
}

interface ListeningPort {
  readonly address: string;
  readonly port: number;
  readonly inode: number;
}

/** The TCP listeners of its network namespace, whoever has them. */
function listenersAround(pid: number): ListeningPort[] {
  const listeners = (tablesOf(pid) ?? []).filter(({ state }) => state === TcpState.LISTEN);
  return listeners.map(({ localAddress, localPort, inode }) => ({ address: localAddress, port: localPort, inode }));
}

function listenersOf(pid: number): ListeningPort[] {
  const inodes = socketInodesOf(pid);
  return inodes ? listenersAround(pid).filter(({ inode }) => inodes.has(inode)) : [];
}

/** The ports that its options name, as in `--inspect-port=127.0.0.1:9230`. */
function portsIn({ options }: Target): number[] {
  return options.flatMap((option, i) => {
    const [, name, value = name === '--inspect-port' || name === '--debug-port' ? options[i + 1] : undefined] =
      /^(--inspect(?:-brk|-wait|-port)?|--debug-port)(?:=(.*))?$/.exec(option) ?? [];
    const port = /(?:^|:)(\d{1,5})$/.exec(value ?? '')?.[1];
    return port === undefined ? [] : [Number(port)];
  });
}

/** What listens everywhere is reached on loopback. */
function reachable({ address, port }: ListeningPort): { host: string; port: number } {
  if (address === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: /^[0:]+$/.test(address) ? '::1' : address, port };
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** Asks an HTTP server whether it is an inspector, and which WebSocket it has. */
function askForPath(listener: ListeningPort): Promise<string | undefined> {
  const { host, port } = reachable(listener);
  return new Promise((resolve) => {
    const request = httpGet(
      { host, port, path: '/json/list', agent: false, timeout: ANSWERS_WITHIN_MS },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > MAX_LIST_BYTES) request.destroy();
        });
        response.on('close', () => resolve(pathIn(text)));
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
    request.on('close', () => resolve(undefined));
  });
}

/** Whoever answers may write anything there: a path of letters, digits and dashes, and nothing else. */
export function pathIn(list: string): string | undefined {
  try {
    const entries: unknown = JSON.parse(list);
    const found = Array.isArray(entries)
      ? (entries as unknown[]).find((each: unknown) => isRecord(each) && each.type === 'node')
      : undefined;
    const url = isRecord(found) ? found.webSocketDebuggerUrl : undefined;
    return typeof url === 'string' ? /^ws:\/\/[^/]+(\/[\w-]{1,100})$/.exec(url)?.[1] : undefined;
  } catch {
    return undefined;
  }
}
