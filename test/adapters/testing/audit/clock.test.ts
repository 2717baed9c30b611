import Fastify from 'fastify';
import { afterEach, expect, it, vi } from 'vitest';
import { auditRoutes } from '../../../../src/testing.js';

afterEach(() => {
  vi.useRealTimers();
});

it('an audit ends at timeLimitMs where a test has replaced the clock and the timers', async () => {
  const app = Fastify({ exposeHeadRoutes: false });
  try {
    for (const path of ['/a', '/b', '/c', '/d']) app.get(path, () => new Promise(() => {}));
    await app.listen({ port: 0, host: '127.0.0.1' });
    // As vitest does it: of what an audit could wait with, only process.nextTick and queueMicrotask are left.
    vi.useFakeTimers();
    const report = await auditRoutes(app, {
      moments: ['response'],
      deadlineMs: 100,
      timeLimitMs: 150,
      concurrency: 1,
    });
    expect(report.notTried).toContainEqual(
      expect.objectContaining({ reason: 'time-limit', explanation: 'timeLimitMs (150) was over' }),
    );
    expect(report.runs).toBeLessThan(4);
    expect(report.durationMs).toBeGreaterThanOrEqual(150);
  } finally {
    vi.useRealTimers();
    app.server.closeAllConnections();
    await app.close();
  }
});
