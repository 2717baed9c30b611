import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { LEAK_CAUSES } from '../../src/base/vocabulary.js';
import { redactReport } from '../../src/guard/redact.js';
import type { LeakReport } from '../../src/leaks/report.js';
import { sentencesFor } from '../../src/leaks/sentences.js';
import { leakFacts } from '../support/leak-facts.js';
import { cpuMsOf } from '../support/cpu-time.js';

const PEERS: [local: string, remote: string, remotePort: number][] = [
  ['127.0.0.1', '10.20.30.40', 53_112],
  ['::1', '2001:db8::7:1', 53_113],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.2', 53_114],
  ['fe80::1', 'fe80::abcd:ef01', 53_115],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:1:2:3:4:5:6', 53_116],
];

const text = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Each cause and side as it is reported, with addresses wherever one can stand. */
function* reports(): Generator<LeakReport> {
  for (const [localAddress, remoteAddress, remotePort] of PEERS)
    for (const side of ['inbound', 'outbound', 'unknown'] as const)
      for (const method of [undefined, 'GET'])
        for (const cause of LEAK_CAUSES) {
          const peer = text(remoteAddress, remotePort);
          const destination = side === 'outbound' ? (method ? `http://${peer}/items/7` : peer) : undefined;
          const route = side === 'inbound' && method ? `/whois/${remoteAddress}` : undefined;
          const facts = { kind: 'close-wait', side, server: `http:${text(localAddress, 80)}`, method, route } as const;
          const requestedBy = side === 'outbound' ? `GET /whois/${remoteAddress}` : undefined;
          const bytes = { unreadKernelBytes: 1, unreadStreamBytes: 2, unsentBytes: 3 };
          const endpoints = { localAddress, localPort: 80, remoteAddress, remotePort };
          const aside = { destination, requestedBy, endpoints, holderPid: 7, fd: 9 };
          const sentences = sentencesFor(cause, leakFacts({ ...facts, ...bytes, ...aside }));
          yield {
            ...facts,
            ...bytes,
            ...sentences,
            id: '1',
            cause,
            traceId: undefined,
            spanId: undefined,
            traceFlags: undefined,
            requestId: undefined,
            fingerprint: '0123456789ab',
            count: 1,
            fd: 9,
            state: 'CLOSE_WAIT',
            framework: undefined,
            path: facts.route,
            registeredAt: undefined,
            takenBytes: undefined,
            declaredBytes: undefined,
            waitsFor: `POST http://${peer}/items`,
            endsInMs: undefined,
            destination,
            requestedBy,
            localAddress,
            localPort: 80,
            remoteAddress,
            remotePort,
            ageMs: 61_000,
            idleMs: 61_000,
            stack: `at connect (http://${peer}/x.js:3:4)`,
          };
        }
}

/** Every run of characters that addresses are made of, as net.isIP sees it. */
const addressesIn = (json: string): string[] =>
  [...json.matchAll(/[0-9A-Fa-f:.]+/g)].flatMap(([run]) => {
    const found: string[] = [];
    for (let from = 0; from < run.length; from++)
      for (let to = run.length; to > from + 1; to--)
        if (isIP(run.slice(from, to)) !== 0) found.push(run.slice(from, to));
    return found;
  });

describe('redactReport', () => {
  it('leaves no address and no port of the peer in any report', () => {
    let count = 0;
    for (const report of reports()) {
      count++;
      const json = JSON.stringify(redactReport(report));
      expect(addressesIn(JSON.stringify(report)), 'the test sees addresses').not.toEqual([]);
      expect(addressesIn(json), json).toEqual([]);
      expect(json).not.toContain(String(report.remotePort));
      expect(json).not.toMatch(/Address|Port"/);
    }
    expect(count).toBe(PEERS.length * 3 * 2 * LEAK_CAUSES.length);
  });

  it.each([
    ['from 10.0.0.1:53112; the client left', 'from [redacted]; the client left'],
    ['from [::1]:53112; the client left', 'from [redacted]; the client left'],
    ['the connection to 10.0.0.1.', 'the connection to [redacted].'],
    ['10.0.0.1: refused', '[redacted]: refused'],
    ['http://10.0.0.1:8080/feed', 'http://[redacted]/feed'],
    ['http://[fe80::1%25eth0]:8080/feed', 'http://[redacted]/feed'],
    ['http:127.0.0.1:80', 'http:[redacted]'],
    ['face:10.0.0.1:80', 'face:[redacted]'],
    ['db.example.com:5432', 'db.example.com:5432'],
    ['GET /v1.2/face/cafe:1 12:30:45 3.4 s ago', 'GET /v1.2/face/cafe:1 12:30:45 3.4 s ago'],
    ['160,000 bytes declared (fd 17)', '160,000 bytes declared (fd 17)'],
    [undefined, undefined],
  ])('%s', (before, after) => {
    expect(redactReport({ destination: before } as LeakReport).destination).toBe(after);
  });

  it('leaves the report it was given as it was', () => {
    const [report] = reports();
    const before = structuredClone(report);
    redactReport(report!);
    expect(report).toEqual(before);
  });

  it.each([':', '.', 'a', '1', '[', '%', '1.', 'a:', '[::', '%a'])('takes linear time over 30,000 times %j', (unit) => {
    // Quadratic, it would take minutes.
    expect(cpuMsOf(() => redactReport({ route: unit.repeat(30_000) } as LeakReport))).toBeLessThan(1_000);
  });
});
