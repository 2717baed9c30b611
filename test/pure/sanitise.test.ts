import { describe, expect, it } from 'vitest';
import { TcpState, tcpStateName } from '../../src/kernel/tcp-states.js';
import { safeMethod, safePath } from '../../src/leaks/sanitise.js';
import { LeakTallies } from '../../src/guard/tallies.js';

describe('what a client sent', () => {
  it.each([
    ['/items/7', '/items/7'],
    ['/items?token=secret', '/items'],
    ['/items#secret', '/items'],
    ['?secret', ''],
    ['', ''],
    ['*', '*'],
    ['http://shop.test:80/a?b', 'http://shop.test:80/a'],
    ['/a b', '/a%20b'],
    ['/a\r\nSet-Cookie: x', '/a%0D%0ASet-Cookie:%20x'],
    ['/\u001b[31mred', '/%1B[31mred'],
    ['/\u0000\u007f', '/%00%7F'],
    [`/"'<>\\\``, '/%22%27%3C%3E%5C%60'],
    ['/é', '/%C3%A9'],
    ['/😀', '/%F0%9F%98%80'],
    ['/\u202egnp.exe', '/%E2%80%AEgnp.exe'],
    ['/%2e%0a', '/%2e%0a'],
    ['/{a}|~', '/{a}|~'],
  ])('path %j becomes %j', (url, expected) => {
    expect(safePath(url)).toBe(expected);
  });

  it.each(['\ud800', '\udc00', 'a\ud83dz', '\udc00\ud800'])(
    'half of a surrogate pair (%j) is printable ASCII',
    (half) => {
      expect(safePath(`/${half}`)).toMatch(/^\/[\x21-\x7e]+$/);
    },
  );

  it('is cut to 200 characters', () => {
    expect(safePath(`/${'a'.repeat(199)}`)).toHaveLength(200);
    expect(safePath(`/${'a'.repeat(200)}`)).toBe(`/${'a'.repeat(199)}...`);
    expect(safePath('\n'.repeat(10_000))).toBe(`${'%0A'.repeat(66)}%0...`);
  });

  it.each([
    ['GET', 'GET'],
    ['M-SEARCH', 'M-SEARCH'],
    ['get', 'OTHER'],
    ['', 'OTHER'],
    ['X'.repeat(21), 'OTHER'],
    ['GET\n', 'OTHER'],
    ['GÉT', 'OTHER'],
  ])('method %j becomes %j', (method, expected) => {
    expect(safeMethod(method)).toBe(expected);
  });
});

describe('TCP states', () => {
  // include/net/tcp_states.h, written out here so that the table has something to be compared with.
  it.each([
    [1, 'ESTABLISHED'],
    [2, 'SYN_SENT'],
    [3, 'SYN_RECV'],
    [4, 'FIN_WAIT1'],
    [5, 'FIN_WAIT2'],
    [6, 'TIME_WAIT'],
    [7, 'CLOSE'],
    [8, 'CLOSE_WAIT'],
    [9, 'LAST_ACK'],
    [10, 'LISTEN'],
    [11, 'CLOSING'],
  ])('%i is %s', (number, name) => {
    expect(tcpStateName(number)).toBe(name);
    expect(TcpState).toHaveProperty(name, number);
  });

  it.each([0, 12, 13, 255, -1, 1.5, Number.NaN])('%d is UNKNOWN', (number) => {
    expect(tcpStateName(number)).toBe('UNKNOWN');
  });
});

describe('routes as labels', () => {
  it('a flood of paths makes no flood of series, and loses no leak', () => {
    const tallies = new LeakTallies();
    const labels = { kind: 'close-wait', cause: 'paused', side: 'inbound' } as const;
    for (let i = 0; i < 1_000; i++) tallies.countLeak({ ...labels, route: `/${i}` });
    const list = tallies.list();
    expect(list).toHaveLength(51);
    expect(list.reduce((sum, { total }) => sum + total, 0)).toBe(1_000);
    expect(list.find(({ route }) => route === 'other')).toMatchObject({ total: 950, open: 0 });
  });

  it('open ones come and go, totals only grow', () => {
    const tallies = new LeakTallies();
    const leak = { kind: 'close-wait', cause: 'paused', side: 'inbound', route: '/a' } as const;
    tallies.countLeak(leak);
    tallies.setOpen([leak]);
    expect(tallies.list()).toEqual([{ ...leak, open: 1, total: 1, capped: false }]);
    tallies.setOpen([]);
    expect(tallies.list()).toEqual([{ ...leak, open: 0, total: 1, capped: false }]);
  });
});
