import { once } from 'node:events';
import http, { type ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/index.js';
import { CLOSE_WAIT, kernelRow } from '../../support/kernel-view.js';
import { QUICK } from '../../support/reports.js';
import { get, stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

const BYTES = 12_000_000;

describe('a response of which the client takes nothing before it leaves', () => {
  const stage = stageOfEachTest();

  /** Found on the server's end: the kernel has it in CLOSE_WAIT, with all that the client has not got. */
  async function leakOf(respond: (response: ServerResponse) => void) {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const server = http.createServer((_request, response) => respond(response));
    // Without this http ends the connection itself when the client leaves.
    Object.assign(server, { httpAllowHalfOpen: true });
    const port = await stage.listen(server);
    const client = await stage.connect(port, '127.0.0.1', { read: false });
    client.say(get('/big'));
    const [{ socket }] = (await once(server, 'request')) as [http.IncomingMessage];
    await client.halfClose();
    const leak = await until('the leak', () => guard.leaks().find(({ localPort }) => localPort === port));
    // Its stream takes one piece by itself; the rest waits in the kernel.
    const received = client.socket.bytesRead + kernelRow(client.port, port)!.receiveQueue;
    expect(kernelRow(port, client.port)).toMatchObject({ state: CLOSE_WAIT });
    return { leak, undelivered: socket.bytesWritten - received };
  }

  it('is write-stalled once it was ended, and no byte is counted twice', async () => {
    const { leak, undelivered } = await leakOf((response) => response.end(Buffer.alloc(BYTES)));
    expect(leak).toMatchObject({ kind: 'close-wait', side: 'inbound', cause: 'write-stalled', route: '/big' });
    expect(leak.unsentBytes).toBe(undelivered);
  });

  it('is write-stalled also while whoever writes it waits for room: to end it would change nothing', async () => {
    const { leak, undelivered } = await leakOf((response) => response.write(Buffer.alloc(BYTES)));
    expect(leak).toMatchObject({ kind: 'close-wait', side: 'inbound', cause: 'write-stalled', route: '/big' });
    expect(leak.explanation).toContain('waits for the client to take its bytes');
    expect(leak.unsentBytes).toBe(undelivered);
  });
});
