import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import { CLOSE_WAIT, kernelRow, openFds } from '../../support/kernel-view.js';
import { follow, QUICK } from '../../support/reports.js';
import { stageOfEachTest, type Client } from '../../support/stage.js';
import { end, logLines, SETTINGS, start, temporaryFile } from '../../support/preloaded.js';
import { environmentOfAUser, root } from '../../support/programs.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();
const program = path.join(root, 'test/scenarios/causes/programs/keeps-sockets.mjs');

async function keeper(env: Record<string, string> = {}): Promise<ChildProcess> {
  const child = fork(program, { env: { ...environmentOfAUser(), ...env }, execArgv: [] });
  stage.defer(() => child.kill('SIGKILL'));
  await once(child, 'message');
  return child;
}

/** A paused connection of a listener of ours, from both ends. */
async function connection(): Promise<{ port: number; client: Client; accepted: Socket }> {
  let accepted: Socket | undefined;
  const server = net.createServer({ pauseOnConnect: true }, (socket) => (accepted = socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Nobody waits for its 'close': Node never emits that when a child died with a socket it was sent.
  stage.defer(() => {
    accepted?.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const client = await stage.connect(port);
  await until('the connection', () => accepted);
  return { port, client, accepted: accepted! };
}

function guarded() {
  const guard = createGuard(QUICK);
  stage.defer(() => guard.close());
  return { guard, seen: follow(guard) };
}

/** Whether a process has an fd on the server's end of this connection. */
function holds(pid: number | 'self', port: number, client: Client): boolean {
  const inode = kernelRow(port, client.port)?.inode;
  return [...openFds(pid).values()].includes(`socket:[${inode}]`);
}

describe('a connection that is closed here and open in a child', () => {
  it('names the child that inherited it as stdio, and is released when that ends', async () => {
    const { guard, seen } = guarded();
    const { port, client, accepted } = await connection();
    const child = spawn('sleep', ['60'], { stdio: ['ignore', accepted, 'ignore'] });
    stage.defer(() => child.kill('SIGKILL'));
    await once(child, 'spawn');
    accepted.destroy();
    await client.halfClose();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ kind: 'close-wait', cause: 'held-by-another-process', fd: -1 });
    expect(leak).toMatchObject({ server: `net:${port}`, remoteAddress: '127.0.0.1', remotePort: client.port });
    expect(leak.explanation).toContain(`given as stdio to process ${child.pid} (sleep)`);
    expect([holds('self', port, client), holds(child.pid!, port, client)]).toEqual([false, true]);
    expect(kernelRow(port, client.port)?.state).toBe(CLOSE_WAIT);
    child.kill('SIGKILL');
    await until('the release', () => seen.released.some(({ id }) => id === leak.id));
    expect(guard.leaks()).toEqual([]);
    expect(seen.leaks).toHaveLength(1);
  });

  it('names the child that it was sent to, also with keepOpen', async () => {
    const { seen } = guarded();
    const { port, client, accepted } = await connection();
    const child = await keeper();
    child.send('take', accepted, { keepOpen: true });
    await once(child, 'message');
    expect([holds('self', port, client), holds(child.pid!, port, client)]).toEqual([true, true]);
    accepted.destroy();
    await until('our fd to be closed', () => !holds('self', port, client));
    client.say('hello');
    await client.halfClose();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak.cause).toBe('held-by-another-process');
    expect(leak.explanation).toContain(`process ${child.pid}`);
    expect(leak.unreadKernelBytes).toBe(Math.max(0, kernelRow(port, client.port)!.receiveQueue - 1));
    child.send('close');
    await until('the release', () => seen.released.some(({ id }) => id === leak.id));
    expect(kernelRow(port, client.port)?.inode ?? 0).toBe(0);
  });

  it('is a plain leak of our own as long as we hold it too', async () => {
    const { seen } = guarded();
    const { port, client, accepted } = await connection();
    const child = await keeper();
    child.send('take', accepted, { keepOpen: true });
    await once(child, 'message');
    client.say('hello');
    await client.halfClose();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect([holds('self', port, client), holds(child.pid!, port, client)]).toEqual([true, true]);
    expect(leak).toMatchObject({ side: 'inbound', cause: 'paused', server: `net:${port}` });
    child.send('close');
    await once(child, 'message');
    accepted.destroy();
    await until('the release', () => seen.released.some(({ id }) => id === leak.id));
    expect(seen.leaks).toHaveLength(1);
  });

  it('is reported by the guard of the child when that has one, and by it alone', async () => {
    const { guard, seen } = guarded();
    const log = temporaryFile(stage, 'log.jsonl');
    const register = pathToFileURL(path.join(root, 'dist/register.js')).href;
    const child = await keeper({ ...SETTINGS, NODE_OPTIONS: `--import=${register}`, CLOSE_WAIT_GUARD_LOG: log });
    const { port, client, accepted } = await connection();
    child.send('take', accepted);
    await once(child, 'message');
    await until('our fd to be closed', () => !holds('self', port, client));
    client.say('hello');
    await client.halfClose();
    const { leak, pid } = await until('the leak', () => logLines(log).find(({ event }) => event === 'leak'));
    expect(pid).toBe(child.pid);
    expect(leak).toMatchObject({ localPort: port, remotePort: client.port, cause: 'never-read' });
    expect(holds(child.pid!, port, client)).toBe(true);

    // A later leak of the same sort that nobody else answers for: once that is told, the other has had its time here.
    const other = await connection();
    const unguarded = await keeper();
    unguarded.send('take', other.accepted);
    await once(unguarded, 'message');
    other.client.say('hello');
    await other.client.halfClose();
    await until('the control', () => seen.leaks.some(({ localPort }) => localPort === other.port));
    expect(seen.leaks.map(({ localPort }) => localPort)).toEqual([other.port]);
    expect(guard.sockets().filter(({ localPort }) => localPort === port)).toEqual([]);

    child.send('close');
    await until('the release', () => logLines(log).some(({ event }) => event === 'released'));
    expect(logLines(log).map(({ event }) => event)).toEqual(['leak', 'released']);
  });
});

describe('in a cluster whose processes all have a guard', () => {
  it('a leak is reported once, by the process that has it', async () => {
    const log = temporaryFile(stage, 'log.jsonl');
    const env = { CLOSE_WAIT_GUARD_LOG: log, NODE_OPTIONS: '--import=close-wait-guard/register' };
    const { child, printed } = await start(stage, '../../scenarios/causes/programs/cluster.mjs', env, []);
    // The primary's own leak is the later one: once it is told, the worker's has had its time there.
    await until('the leak of the primary', () => logLines(log).some(({ leak }) => leak.localPort === printed.own));
    await until('the leak of the worker', () => logLines(log).some(({ leak }) => leak.localPort === printed.port));
    expect(
      logLines(log)
        .map(({ pid, leak }) => [pid, leak.localPort, leak.cause])
        .sort(),
    ).toEqual(
      [
        [printed.worker, printed.port, 'never-read'],
        [printed.primary, printed.own, 'never-read'],
      ].sort(),
    );
    expect(await end(child)).toBe(0);
  });
});
