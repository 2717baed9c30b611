import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/inspect/doctor/finding.js';
import { root } from '../../support/programs.js';
import { stageOfEachTest } from '../../support/stage.js';
import { closeWaitGuard, Target } from './targets.js';

const stage = stageOfEachTest();

/** As a user's validator would: of the published file alone. */
function errorsOf(document: unknown): unknown {
  const schema = JSON.parse(readFileSync(path.join(root, 'schema/v1.json'), 'utf8')) as object;
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ ...schema, $id: 'test' });
  const one = ajv.compile({ $ref: `test#/$defs/${(document as { command: string }).command}Document` });
  return one(document) ? undefined : one.errors;
}

function findingsOf(...args: string[]): { status: number | null; findings: Finding[]; document: unknown } {
  const { status, stdout } = closeWaitGuard(['doctor', '--json', ...args]);
  const document = JSON.parse(stdout) as { findings: Finding[] };
  return { status, findings: document.findings, document };
}

const found = (findings: readonly Finding[], check: string): Finding | undefined =>
  findings.find((each) => each.check === check);

describe('doctor', () => {
  it('tells of this machine what its files tell', () => {
    const { status, findings, document } = findingsOf();
    expect(errorsOf(document)).toBeUndefined();
    expect(status).toBe(findings.some(({ verdict }) => verdict === 'problem') ? 1 : 0);
    const seconds = readFileSync('/proc/sys/net/ipv4/tcp_fin_timeout', 'latin1').trim();
    expect(found(findings, 'tcp_fin_timeout')?.found).toContain(`is ${seconds} s`);
    expect(found(findings, 'versions')?.found).toContain(process.versions.node);
    expect(found(findings, 'addon')?.verdict).toBe('ok');
    expect(found(findings, 'sock_diag')?.verdict).toBe('ok');
    for (const { verdict, advice } of findings) expect(advice === undefined).toBe(verdict === 'ok');
  });

  it('--self-test makes a leak and finds it, from inside and from outside', () => {
    const { status, findings } = findingsOf('--self-test');
    const tests = findings.filter(({ check }) => check === 'self-test');
    expect(tests).toMatchObject([
      { verdict: 'ok', found: expect.stringMatching(/^the guard would see a leak here: .*close-wait/) },
      { verdict: 'ok', found: 'inspect would see it from outside' },
    ]);
    expect([0, 1]).toContain(status);
  });

  it('--self-test where the addon cannot be loaded: it would not, and exit status 2', () => {
    const { status, stdout } = closeWaitGuard(['doctor', '--self-test', '--json'], 'us', {
      CLOSE_WAIT_GUARD_ADDON: '/nowhere/close_wait_guard.node',
    });
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    expect(found(findings, 'addon')).toMatchObject({ verdict: 'problem', found: expect.stringContaining('/nowhere') });
    expect(found(findings, 'self-test')).toMatchObject({ verdict: 'problem' });
    expect(status).toBe(2);
  });

  it('of a process: its limits', async () => {
    const target = await Target.start(stage, 'c', 'h');
    const { findings } = findingsOf(String(target.pid));
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${target.pid}/limits`, 'latin1'))?.[1];
    expect(found(findings, 'nofile')?.found.replaceAll(',', '')).toContain(`may have ${limit} fds open`);
    expect(found(findings, 'fds')?.verdict).toBe('ok');
    expect(closeWaitGuard(['doctor', '4194304']).status).toBe(2);
  });

  it('is a page on a terminal', () => {
    const { stdout } = closeWaitGuard(['doctor']);
    expect(stdout).toMatch(/^ok {7}versions: close-wait-guard /m);
    expect(stdout).toMatch(/^\d+ problems, \d+ notes, \d+ ok$/m);
  });
});

describe('inspect --json', () => {
  it('is as the schema has it', async () => {
    const target = await Target.start(stage, 'c', 'hh');
    const client = await target.connect();
    await target.connect();
    await client.halfClose();
    const { stdout } = closeWaitGuard(['inspect', String(target.pid), '--timeout', '0', '--all', '--json']);
    const document = JSON.parse(stdout) as { leaks: object[] };
    expect(errorsOf(document)).toBeUndefined();
    expect(document.leaks).toHaveLength(1);
    const broken = { ...document, leaks: [{ ...document.leaks[0], kind: 'other' }] };
    expect(errorsOf(broken)).not.toBeUndefined();
  });
});
