import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { grantedBacklog, valueOf } from '../../support/metrics-page.js';
import { jsonOf, programs, runNode } from '../../support/programs.js';

describe.each(['prom-client', '@prometheus-io/client'])('cluster workers, put together by %s', (client) => {
  it('count a leak once each, and the oldest is the older of the two', async () => {
    const outcome = await runNode([path.join(programs, 'cluster.mjs'), client]);
    const { each, before, page, after } = jsonOf(outcome);
    expect(each, 'one leak in each worker').toEqual([1, 1]);
    const labels = { kind: 'close-wait', cause: 'never-read', side: 'inbound' };
    expect(valueOf(page, 'close_wait_leaks_total', labels)).toBe(2);
    expect(valueOf(page, 'close_wait_leaked_sockets', labels)).toBe(2);
    expect(valueOf(page, 'close_wait_sockets', { server: 'smtp' })).toBe(2);
    expect(valueOf(page, 'close_wait_unread_bytes')).toBe(10);

    // The listening socket is the primary's, and both workers see it.
    expect(valueOf(page, 'tcp_accept_queue_limit', { server: 'smtp' })).toBe(grantedBacklog());
    expect(valueOf(page, 'tcp_accept_queue_sockets', { server: 'smtp' })).toBe(0);

    // In the page's seconds: 0.502224688 * 1000 is less than 502.224688.
    const oldest = valueOf(page, 'close_wait_oldest_seconds');
    expect(oldest).toBeGreaterThanOrEqual(Math.max(...before) / 1000);
    expect(oldest).toBeLessThanOrEqual(Math.max(...after) / 1000);
    expect(Math.max(...after), 'a sum would be more').toBeLessThan(before[0] + before[1]);
  });
});
