import { describe, expect, it } from 'vitest';
import { hangUpCall } from '../../src/page/hang-up-call.js';
import type { LeakReport } from '../../src/leaks/report.js';
import { LEAK_CAUSES, LEAK_KINDS, SIDES } from '../../src/base/vocabulary.js';
import { reproduce } from '../../src/testing.js';

const ROUTES = [
  { method: 'POST', route: '/items/:id', path: '/items/7' },
  { method: 'GET', route: '/live' },
  { method: 'PUT', route: '/files/*' },
  { method: 'PATCH', route: "/o'clock/:n", path: "/o'clock/\\u0031" },
  {},
];

/** Runs the code that the page shows, and returns what hangUp() is called with. */
function calledWith(code: string): unknown {
  let called: unknown[] | undefined;
  const body = code.replace(/^import .*$/m, '').replace('await expect(', 'expect(');
  const expectLike = (): object => ({ toBeClosed: () => undefined });
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the code that a person pastes into a test
  new Function('hangUp', 'reproduce', 'expect', 'app', body)(
    (_app: unknown, ...rest: unknown[]) => (called = rest),
    reproduce,
    expectLike,
    {},
  );
  return called;
}

const leaks = LEAK_CAUSES.flatMap((cause) =>
  SIDES.flatMap((side) =>
    LEAK_KINDS.flatMap((kind) =>
      ROUTES.map((route): Partial<LeakReport> => ({
        ...{ cause, side, kind, takenBytes: 0, unreadKernelBytes: 10, unreadStreamBytes: 5 },
        ...route,
        ...(side === 'outbound' && 'method' in route ? { requestedBy: `${route.method} ${route.route}` } : {}),
      })),
    ),
  ),
);

/** Bytes by how many there are; what a generator makes is no property. */
const comparable = (args: unknown): unknown =>
  JSON.parse(JSON.stringify((args as unknown[]).map((each) => (each instanceof Uint8Array ? each.length : each))));

describe('the test to copy', () => {
  it.each(
    leaks.map((leak) => [`${leak.side} ${leak.kind} ${leak.cause} ${leak.method ?? ''} ${leak.route ?? ''}`, leak]),
  )(
    '%s: does what reproduce() does, or is left out where that says that the report is not enough',
    (_name, partial) => {
      const leak = partial as LeakReport;
      let expected: unknown;
      try {
        expected = reproduce(leak);
      } catch {
        expect(hangUpCall(leak)).toBeUndefined();
        return;
      }
      const code = hangUpCall(leak)!;
      const [request, options] = comparable(expected) as [Record<string, unknown>, unknown];
      const [written, how] = comparable(calledWith(code)) as [Record<string, unknown>, unknown];
      expect(how).toEqual(options);
      // Left out, hangUp() sends the same: as many bytes as stay unread.
      const isDefault = code.includes('{ method') && !code.includes('body:') && !code.includes('reproduce');
      expect(written).toEqual(isDefault && 'body' in request ? { ...request, body: undefined } : request);
    },
  );

  it('is written out where it can be', () => {
    const leak = { cause: 'request-body-not-read', kind: 'close-wait', side: 'inbound', ...ROUTES[0] } as LeakReport;
    expect(hangUpCall(leak)).toBe(
      `import { hangUp } from 'close-wait-guard/testing';\n\nawait expect(hangUp(app, { method: 'POST', path: '/items/7' }, { at: 'request' })).toBeClosed();\n`,
    );
    expect(hangUpCall({ ...leak, kind: 'stalled' })).toContain(`path: '/items/7', body: 1048576 }`);
    const halfOpen = { cause: 'half-open-not-ended', reason: 'client-error-listener' } as const;
    expect(hangUpCall({ ...leak, ...halfOpen })).toContain(`hangUp(app, {}, { at: 'mid-headers' })`);
  });

  it('is left out where no value is known that the route takes', () => {
    const leak = { cause: 'request-body-not-read', kind: 'close-wait', side: 'inbound', method: 'POST' } as LeakReport;
    expect(hangUpCall({ ...leak, route: '/x/:id(^[^\\x00-\\x7f]+$)' })).toBeUndefined();
  });
});
