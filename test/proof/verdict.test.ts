import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { root } from '../support/programs.js';

const { verdict } = await import(pathToFileURL(path.join(root, 'test/proof/servers/verdict.mjs')).href);
const { leakKind } = await import(pathToFileURL(path.join(root, 'test/proof/servers/kernel.mjs')).href);

const ports = { localPort: 80, remotePort: 5000 };
const socket = { inode: '1', pid: 1, fd: 20, held: true, state: 'CLOSE_WAIT', ...ports };
const stood = (kind: string, ms: number, unsent = 0) => ({
  ...socket,
  stood: { [kind]: { ms, unsent } },
  due: { kind, ms },
});
const report = { id: '7', pid: 1, fd: 20, kind: 'close-wait', cause: 'response-not-ended', side: 'inbound', ...ports };
const named = { ...report, method: 'GET', route: '/a' };
const moment = { name: 'after the request', named: true, causes: ['response-not-ended', 'write-stalled'] };
const done = new Map([[5000, { request: { method: 'GET', path: '/a' }, moment, how: 'fin' }]]);
const settings = { timeoutMs: 2000, intervalMs: 250, destinations: [], routeOf: ({ path }: { path: string }) => path };

function judge(sockets: object[], reports: object[]) {
  const { missed, falseAlarms, wrong } = verdict({
    seen: { sockets, gapMs: 0 },
    reports,
    done,
    serverPort: 80,
    ...settings,
  });
  return { missed: missed.length, falseAlarms: falseAlarms.length, wrong: wrong.map(({ what }: any) => what) };
}

describe('the verdict on the reports about a published server', () => {
  it.each([
    ['a leak with its report', [stood('close-wait', 5000)], [named], {}],
    ['a leak without a report', [stood('close-wait', 5000)], [], { missed: 1 }],
    ['a leak that went before it was due', [stood('close-wait', 2300)], [], {}],
    ['a report of a socket that nobody saw', [], [named], { falseAlarms: 1 }],
    ['a report of a socket that moved', [stood('close-wait', 500)], [named], { falseAlarms: 1 }],
    ['a report of another kind than the kernel saw', [stood('reset', 5000)], [named], { falseAlarms: 1 }],
    [
      'a stalled socket of a healthy client',
      [stood('stalled', 5000)],
      [{ ...named, kind: 'stalled', healthy: true }],
      { falseAlarms: 1 },
    ],
    [
      'a socket that was first seen without ports',
      [{ ...stood('reset', 5000), localPort: undefined, remotePort: undefined }],
      [{ ...named, kind: 'reset' }],
      {},
    ],
    [
      'a socket without ports, by its fd',
      [stood('reset', 5000)],
      [{ ...named, kind: 'reset', remotePort: undefined }],
      {},
    ],
    [
      'a socket without ports whose port had been used before',
      [
        { ...stood('reset', 100), inode: '0' },
        { ...stood('reset', 5000), localPort: undefined, remotePort: undefined },
      ],
      [{ ...named, kind: 'reset' }],
      {},
    ],
    ['no name', [stood('close-wait', 5000)], [report], { wrong: ['route undefined, not GET /a'] }],
    [
      'the name of another request',
      [stood('close-wait', 5000)],
      [{ ...named, route: '/b' }],
      { wrong: ['route GET /b, not GET /a'] },
    ],
    [
      'the wrong side',
      [stood('close-wait', 5000)],
      [{ ...named, side: 'outbound' }],
      { wrong: ['it is inbound, not outbound'] },
    ],
    [
      'a cause that the moment excludes',
      [stood('close-wait', 5000)],
      [{ ...named, cause: 'paused' }],
      { wrong: ['cause paused, not one of response-not-ended, write-stalled'] },
    ],
    [
      'unsent bytes behind "not ended"',
      [stood('close-wait', 5000, 9)],
      [named],
      { wrong: ['response-not-ended, and bytes are unsent'] },
    ],
    [
      'two reports at once',
      [stood('close-wait', 5000)],
      [named, named],
      { wrong: ['the same socket is reported twice'] },
    ],
    ['a report after a release', [stood('close-wait', 5000)], [{ ...named, released: true }, named], {}],
  ])('%s', (_, sockets, reports, expected) => {
    expect(judge(sockets, reports)).toEqual({ missed: 0, falseAlarms: 0, wrong: [], ...expected });
  });
});

describe('the kind of leak that the kernel tells', () => {
  const peer = (unsent: number) => ({ state: 'ESTABLISHED', unsent });
  it.each([
    ['half-closed', { state: 'CLOSE_WAIT', unread: 0 }, 'close-wait'],
    ['closed with an open fd', { state: 'CLOSE', unread: 0 }, 'reset'],
    ['idle', { state: 'ESTABLISHED', unread: 0, peer: peer(0) }, undefined],
    ['unread, and the peer has sent all', { state: 'ESTABLISHED', unread: 9, peer: peer(0) }, undefined],
    ['unread, and the peer waits', { state: 'ESTABLISHED', unread: 9, peer: peer(9) }, 'stalled'],
    ['ended here, unread, and the peer waits', { state: 'FIN_WAIT2', unread: 9, peer: peer(9) }, 'stalled'],
    ['ended here, the peer owes its FIN', { state: 'FIN_WAIT2', unread: 0, peer: peer(0) }, undefined],
    ['being closed', { state: 'LAST_ACK', unread: 0, peer: peer(0) }, undefined],
  ])('%s', (_, row, kind) => {
    expect(leakKind(row)).toBe(kind);
  });
});
