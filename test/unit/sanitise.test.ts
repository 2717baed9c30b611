import { describe, expect, it } from 'vitest';
import { safeHost, safeMethod, safePath } from '../../src/base/escape.js';
import { TcpState, tcpStateName } from '../../src/base/tcp-states.js';
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
    ['//', '//'],
    ['/a\\b', '/a%5Cb'],
    ['[::1]:443', '[::1]:443'],
    ['db.test:5432', 'db.test:5432'],
    ['http://[fe80::1]:80/a', 'http://[fe80::1]:80/a'],
    // Userinfo: absolute-form, authority-form, in a path, and what URL parsers take for a URL too.
    ['http://me:secret@shop.test/a', 'http://shop.test/a'],
    ['https://secret@shop.test:8443/a', 'https://shop.test:8443/a'],
    ['http://me:se@cret@shop.test/a', 'http://shop.test/a'],
    ['http://me:se;cret@shop.test/a', 'http:///a'],
    ['http://me:secret%40shop.test/a', 'http://shop.test/a'],
    ['http://me:se%2Fcret@shop.test/a', 'http://shop.test/a'],
    ['http://me:se%3Fcret@shop.test/a', 'http:///a'],
    ['http://me:se/cret@shop.test/a', 'http://shop.test/a'],
    ['http://me:secret', 'http://'],
    ['http:/me:secret@shop.test/a', 'http:/shop.test/a'],
    ['http:me:secret@shop.test/a', 'shop.test/a'],
    ['http:\\\\me:secret@shop.test\\a', 'http:%5C%5Cshop.test%5Ca'],
    ['//me:secret@shop.test/a', '//shop.test/a'],
    ['me:secret@db.test:5432', 'db.test:5432'],
    ['/fetch/http://me:secret@shop.test/a', '/fetch/http://shop.test/a'],
    ['/fetch/https://secret@shop.test/a', '/fetch/https://shop.test/a'],
    ['/fetch/http:/secret@shop.test/a', '/fetch/http:/shop.test/a'],
    ['/fetch/http%3A%2F%2Fme%3Asecret%40shop.test%2Fa', '/fetch/shop.test%2Fa'],
    ['/fetch/http%253A%252F%252Fsecret%2540shop.test', '/fetch/shop.test'],
    ['/login/me:secret@shop.test', '/login/shop.test'],
    ['/@scope/package@1.2.3', '/@scope/package@1.2.3'],
    ['/users/me@shop.test/orders', '/users/me@shop.test/orders'],
    // Path parameters.
    ['/cart;jsessionid=secret', '/cart'],
    ['/cart;jsessionid=secret/items;v=1/7', '/cart/items/7'],
    ['/cart;jsessionid=secret?x', '/cart'],
    ['/cart%3Bjsessionid=secret', '/cart'],
    ['/cart%253bjsessionid=secret/7', '/cart/7'],
    [';secret', ''],
    ['/;secret', '/'],
    ['http://shop.test;secret/a', 'http://shop.test/a'],
    ['/a;secret:x@y', '/'],
    // A query that was encoded along with its path.
    ['/items%3Ftoken=secret', '/items'],
    ['/items%23secret', '/items'],
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

  it('says no more than it has seen of what is longer than any request', () => {
    const secret = 's'.repeat(70_000);
    expect(safePath(`/items/${secret}`)).toBe('/items/...');
    expect(safePath(`http://me:${secret}@shop.test/`)).toBe('http://...');
    expect(safePath(`http://me:1/${secret}@shop.test/`)).not.toContain('s'.repeat(5));
    expect(safePath(`http://me:x/a/${secret}@shop.test/`)).toBe('http://...');
    expect(safePath(`/items?${secret}`)).toBe('/items');
  });

  it.each([
    ['inventory', 'inventory'],
    ['::1', '::1'],
    ['a\nb\u202e', 'a%0Ab%E2%80%AE'],
    ['x'.repeat(300), `${'x'.repeat(200)}...`],
  ])('host %j becomes %j', (host, expected) => {
    expect(safeHost(host)).toBe(expected);
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
