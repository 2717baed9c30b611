import { describe, expect, it } from 'vitest';
import type { InspectReport } from '../../../src/inspect/processes/report.js';
import type { InspectedSocket } from '../../../src/inspect/processes/socket.js';
import { kernelRow } from '../../support/kernel-view.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { missingSs, rowsOf, ssRows } from './ss.js';
import { closeWaitGuard, LANGUAGES, missingUsers, NOBODY, Target, type User } from './targets.js';

const stage = stageOfEachTest();

/** Every kind of socket that a process can have, in one process. */
async function busyTarget(language: (typeof LANGUAGES)[number], owner: User): Promise<Target> {
  const target = await Target.start(stage, language, 'hhhhhhsw', owner);
  await target.connect();
  await target.connect('::1');
  const unread = await target.connect();
  unread.say('12345');
  await unread.halfClose();
  await (await target.connect('::1')).socket.end();
  const reset = await target.connect();
  reset.say('1');
  await until('the byte to arrive', () => kernelRow(target.port, reset.port)?.receiveQueue === 1);
  await reset.reset();
  const stalled = await target.connect();
  stalled.say(Buffer.alloc(16 * 1024 * 1024));
  await target.connect();
  await target.connect();
  // Nobody accepts this one, but in the language that always does.
  await stage.connect(target.port);
  return target;
}

const allOf = ({ leaks, undecided, moving, listeners, healthy = [] }: InspectReport): readonly InspectedSocket[] => [
  ...[...leaks, ...undecided, ...moving, ...listeners, ...healthy],
];

/** Between two readings of ss that are the same: loopback and its buffers take their time. */
async function bothViews(target: Target, observer: User) {
  return until('two equal readings of ss', () => {
    const before = ssRows(target.pid, observer);
    const { status, stdout, stderr } = closeWaitGuard(
      ['inspect', String(target.pid), '--timeout', '0', '--all', '--json'],
      observer,
    );
    const after = ssRows(target.pid, observer);
    expect(stderr).toBe('');
    expect(status).toBe(1);
    return (
      JSON.stringify(before) === JSON.stringify(after) && { ss: after, report: JSON.parse(stdout) as InspectReport }
    );
  });
}

const CASES = LANGUAGES.flatMap((language) =>
  (
    [
      ['us', 'us'],
      ['nobody', 'nobody'],
      ['nobody', 'us'],
    ] as const
  ).map(([owner, observer]) => ({ language, owner, observer })),
);

describe('inspect and ss -tanp', () => {
  it.for(CASES)(
    '$language: a process of $owner, seen by $observer',
    async ({ language, owner, observer }, { skip }) => {
      skip(missingSs !== undefined, `ss: ${missingSs}`);
      const missing = owner === 'us' ? undefined : missingUsers();
      skip(missing !== undefined, missing ?? '');
      const target = await busyTarget(language, owner);
      const { ss, report } = await bothViews(target, observer);
      const all = allOf(report);
      const reset = report.leaks.filter(({ kind }) => kind === 'reset');
      expect(rowsOf(all.filter(({ state }) => state !== 'CLOSE'))).toEqual(ss);

      // What ss does not list is the one that was reset, and the one that was never connected.
      expect(ss.map(({ state }) => state).sort()).toEqual(
        [
          ...['ESTAB', 'ESTAB', 'ESTAB', 'ESTAB', 'ESTAB', 'CLOSE-WAIT', 'CLOSE-WAIT', 'FIN-WAIT-2', 'LISTEN'],
          ...(language === 'node' ? ['ESTAB'] : []),
        ].sort(),
      );
      expect(report.uid).toBe(owner === 'us' ? process.getuid?.() : NOBODY);
      expect(report.leaks.map(({ kind }) => kind).sort()).toEqual(['close-wait', 'close-wait', 'reset', 'stalled']);
      const unread = report.leaks.find(({ kind, unreadBytes = 0 }) => kind === 'close-wait' && unreadBytes > 0);
      expect(unread).toMatchObject({ unreadBytes: 5, receiveQueue: 6, unsentBytes: 0 });
      expect(reset).toMatchObject([{ kind: 'reset', localPort: target.port }]);
      const unconnected = all.filter(({ state }) => state === 'CLOSE').length - reset.length;
      expect(unconnected).toBe(language === 'node' ? 0 : 1);
      expect(report.listeners).toMatchObject([{ waiting: language === 'node' ? 0 : 1, waitingHalfClosed: 0 }]);
    },
  );

  it('a process of ours, seen by nobody: neither is shown its sockets', async ({ skip }) => {
    skip(missingSs !== undefined, `ss: ${missingSs}`);
    const missing = missingUsers();
    skip(missing !== undefined, missing ?? '');
    const target = await busyTarget('c', 'us');
    expect(ssRows(target.pid, 'nobody')).toEqual([]);
    const { status, stdout, stderr } = closeWaitGuard(['inspect', String(target.pid), '--timeout', '0'], 'nobody');
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^close-wait-guard inspect: the fds of process \d+ \(target\) are not shown here: open: Permission denied\. It runs as uid 0 and this as uid 65534 \(nobody\); run this as that user or as root \(CAP_SYS_PTRACE\)\. What everybody may see: all processes of uid 0 in its network namespace have \d+ TCP sockets, \d+ of them half-closed \(CLOSE-WAIT\)\.\n$/,
    );
    expect(status).toBe(2);
  });
});
