import { describe, expect, it } from 'vitest';
import { runModule } from '../../support/programs.js';

/** Three clients leave; one socket is read once on the way, one is the second leak where one may be told. */
const PROGRAM = `
  import net from 'node:net';
  import { createGuard } from 'close-wait-guard';

  const guard = createGuard({ closeWaitTimeout: 200, sampleInterval: 20, maxReported: 1 });
  const accepted = [];
  let isRead = false;
  const server = net.createServer({ allowHalfOpen: true }, (socket) => accepted.push(socket)).listen(0, '127.0.0.1', connect);

  function connect() {
    for (let i = 0; i < 2; i++) {
      const client = net.connect(server.address().port, '127.0.0.1');
      client.on('connect', () => client.end('0123456789'));
    }
  }
  const timer = setInterval(() => {
    const { halfClosed, unreported, leaks } = guard.stats();
    // Read by hand, which is progress.
    if (halfClosed[0]?.count === 2 && !isRead) {
      isRead = true;
      accepted[0].resume();
    }
    if (unreported === 1 && leaks.length > 0) for (const socket of accepted.splice(0)) socket.destroy();
    if (isRead && accepted.length === 0 && guard.stats().halfClosed.length === 0) {
      clearInterval(timer);
      guard.close();
      server.close();
    }
  }, 20);
`;

describe('NODE_DEBUG=close-wait-guard', () => {
  it('prints one line a decision, in order, and each once', async () => {
    const { stderr, code } = await runModule(PROGRAM, [], { NODE_DEBUG: 'close-wait-guard' });
    expect(code, stderr).toBe(0);
    const lines = stderr.split('\n').filter((line) => line.startsWith('CLOSE-WAIT-GUARD'));
    const histories = new Map<string, string[]>();
    // The clients' own ends are reset in the end.
    const ofClients = lines.flatMap((line) => /(\d+): adopted, .*outbound/.exec(line)?.[1] ?? []);
    for (const line of lines) {
      const [, cookie = '', decision = ''] = /guard 1, socket (\d+): ([a-z ]+)/.exec(line) ?? [];
      if (ofClients.includes(cookie)) continue;
      histories.set(cookie, [...(histories.get(cookie) ?? []), decision]);
    }
    const [read, other] = [...histories.values()].sort((a, b) => b.indexOf('progress') - a.indexOf('progress'));
    expect(histories.size, stderr).toBe(2);
    expect(read?.slice(0, 3), stderr).toEqual(['adopted', 'progress', 'due']);
    expect(other?.slice(0, 2), stderr).toEqual(['adopted', 'due']);
    const ends = [read, other].map((history) => history?.slice(-2).join(' '));
    expect(ends.toSorted(), stderr).toEqual(['reported closed', 'withheld closed']);
    expect(stderr).toContain('withheld, maxReported (1) leaks are open');
  });

  it('prints nothing without it', async () => {
    const { stderr } = await runModule(PROGRAM);
    expect(stderr).toBe('');
  });
});
