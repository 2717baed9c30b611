import net, { type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createGuard, type Guard } from '../../../src/guard/guard.js';
import type { GuardOptions } from '../../../src/guard/options.js';
import { ESTABLISHED, isListed, kernelRow, socketInode } from '../../support/kernel-view.js';
import { expectKernelAgrees, follow, QUICK, type Followed } from '../../support/reports.js';
import { stageOfEachTest, type Client } from '../../support/stage.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();
/** Far more than any receive buffer of the kernel's takes. */
const UPLOAD = 8 * 1024 * 1024;

interface Stalled {
  readonly guard: Guard;
  readonly seen: Followed;
  readonly port: number;
  readonly client: Client;
  readonly accepted: Socket;
}

/** An upload that nobody reads. The client goes on sending until the window is full, and would then leave. */
async function stalledUpload(options: GuardOptions = {}): Promise<Stalled> {
  const guard = createGuard({ ...QUICK, ...options });
  stage.defer(() => guard.close());
  const seen = follow(guard);
  let accepted: Socket | undefined;
  const port = await stage.listen(net.createServer((socket) => (accepted = socket.on('error', () => {}))));
  const client = await stage.connect(port);
  client.socket.end(Buffer.alloc(UPLOAD));
  await until('the connection', () => accepted);
  return { guard, seen, port, client, accepted: accepted! };
}

describe('an upload that nobody reads and that fills the receive window', () => {
  it('is a leak of kind stalled while its FIN cannot arrive, and of kind reset once its client has reset it', async () => {
    const { guard, seen, port, client, accepted } = await stalledUpload();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ kind: 'stalled', cause: 'never-read', state: 'ESTABLISHED', side: 'inbound' });
    expect(leak.explanation).toContain('receive window has been full');
    expectKernelAgrees(leak);
    const row = kernelRow(port, client.port)!;
    expect(row.state).toBe(ESTABLISHED);
    expect(row.receiveQueue).toBeGreaterThan(65_536);
    // The FIN is still the sender's: its end is not past FIN_WAIT1, and its send queue is not empty.
    expect(kernelRow(client.port, port)!.sendQueue).toBeGreaterThan(0);

    const inode = socketInode(leak.fd);
    client.socket.resetAndDestroy();
    await until('the RST to arrive', () => kernelRow(port, client.port) === undefined);
    expect(guard.leaks()).toMatchObject([{ id: leak.id, kind: 'reset', state: 'CLOSE', fd: leak.fd }]);
    expect(socketInode(leak.fd), 'the fd is still open').toBe(inode);
    expect(isListed(inode!)).toBe(false);

    accepted.destroy();
    await until('the release', () => seen.released.length > 0);
    expect(seen.released).toMatchObject([{ id: leak.id, kind: 'reset' }]);
    expect(seen.leaks).toHaveLength(1);
  });

  it('is released when it is read after all, and was one leak', async () => {
    const { guard, seen, port, client, accepted } = await stalledUpload();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    let taken = 0;
    accepted.on('data', (chunk: Buffer) => (taken += chunk.length));
    await until('all of it to be read', () => taken === UPLOAD);
    await until('the release', () => seen.released.some(({ id }) => id === leak.id));
    await until('the fd to be closed', () => (kernelRow(port, client.port)?.inode ?? 0) === 0);
    expect(seen.leaks).toHaveLength(1);
    expect(guard.leaks()).toEqual([]);
  });

  it('is reclaimed where that is asked for', async () => {
    const { guard, seen, port, client } = await stalledUpload({ reclaim: { kinds: ['stalled'] } });
    await until('the leak', () => seen.leaks.length > 0);
    await until('the reclaim', () => guard.stats().reclaimed.stalled === 1);
    expect(kernelRow(port, client.port)?.inode ?? 0).toBe(0);
    await until('the client to be told', () => client.socket.destroyed);
    expect(client.errors).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(seen.released).toEqual([]);
  });

  it('is no leak when its reader is slow', async () => {
    const { seen, port, client, accepted } = await stalledUpload();
    accepted.on('readable', () => {});
    const timer = setInterval(() => accepted.read(64 * 1024), 30);
    stage.defer(() => clearInterval(timer));
    // The same without a reader, and later: once that is a leak, this one would be too.
    const controlPort = await stage.listen(net.createServer((socket) => socket.on('error', () => {})));
    const control = await stage.connect(controlPort);
    control.socket.end(Buffer.alloc(UPLOAD));
    await until('the leak of another', () => seen.leaks.some(({ localPort }) => localPort === controlPort));
    expect(seen.leaks.filter(({ localPort }) => localPort === port)).toEqual([]);
    expect(kernelRow(port, client.port)?.state).toBe(ESTABLISHED);
  });
});
