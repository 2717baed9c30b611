import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { TcpState } from '../../../src/base/tcp-states.js';
import { FRAMEWORKS, LEAK_CAUSES, LEAK_KINDS, LEAK_REASONS, SIDES } from '../../../src/base/vocabulary.js';
import type { LeakReport } from '../../../src/leaks/report.js';
import { Prepared, runCommand } from '../../support/attached.js';
import { jsonOf, root } from '../../support/programs.js';
import { stageOfEachTest } from '../../support/stage.js';

const schema = JSON.parse(readFileSync(path.join(root, 'schema/v1.json'), 'utf8'));
const { $defs } = schema;

/** Every property of a report, as TypeScript has it: the compiler names what is missing here. */
const PROPERTIES: {
  readonly [Name in keyof LeakReport]: undefined extends LeakReport[Name] ? 'optional' : 'required';
} = {
  id: 'required',
  kind: 'required',
  cause: 'required',
  fingerprint: 'required',
  count: 'required',
  reason: 'optional',
  explanation: 'required',
  fix: 'required',
  side: 'required',
  framework: 'optional',
  fd: 'required',
  state: 'required',
  server: 'optional',
  method: 'optional',
  route: 'optional',
  path: 'optional',
  registeredAt: 'optional',
  destination: 'optional',
  traceId: 'optional',
  spanId: 'optional',
  traceFlags: 'optional',
  requestId: 'optional',
  requestedBy: 'optional',
  localAddress: 'optional',
  localPort: 'optional',
  remoteAddress: 'optional',
  remotePort: 'optional',
  ageMs: 'required',
  idleMs: 'required',
  takenBytes: 'optional',
  declaredBytes: 'optional',
  waitsFor: 'optional',
  endsInMs: 'optional',
  unreadKernelBytes: 'required',
  unreadStreamBytes: 'required',
  unsentBytes: 'required',
  stack: 'optional',
};

/** Against one definition; here no property may be there that the schema does not know. */
function faultsIn(definition: string, value: unknown): unknown {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema(schema, 'v1');
  const validate = ajv.compile({ $ref: `v1#/$defs/${definition}`, unevaluatedProperties: false });
  return validate(value) ? undefined : validate.errors;
}

describe('schema/v1.json', { timeout: 60_000 }, () => {
  const stage = stageOfEachTest();

  it('has every property of a LeakReport, and those required that are always there', () => {
    expect(Object.keys($defs.leakReport.properties).sort()).toEqual(Object.keys(PROPERTIES).sort());
    const required = Object.entries(PROPERTIES).flatMap(([name, how]) => (how === 'required' ? name : []));
    expect([...$defs.leakReport.required].sort()).toEqual(required.sort());
  });

  it.each([
    ['leakKind', LEAK_KINDS],
    ['leakCause', LEAK_CAUSES],
    ['leakReason', LEAK_REASONS],
    ['side', SIDES],
    ['framework', FRAMEWORKS],
    ['tcpStateName', Object.keys(TcpState)],
  ])('has the words of %s', (name, words) => {
    expect([...$defs[name].enum].sort()).toEqual([...words].sort());
  });

  it('fits what the command writes of a real leak', async () => {
    const target = await Prepared.start(stage);
    await target.leak(target.ready.paused, 'x'.repeat(100_000));
    const document = jsonOf(await runCommand(['attach', String(target.pid), '--yes', '--json', '--timeout', '500']));
    expect(document.leaks.length).toBeGreaterThan(0);
    expect(document.$schema).toBe(schema.$id);
    expect(faultsIn('attachDocument', document)).toBeUndefined();
    const [{ pid, threadId, ...leak }] = document.leaks;
    expect(faultsIn('logLine', { event: 'leak', time: document.time, pid, threadId, leak })).toBeUndefined();
    // It bites.
    expect(faultsIn('leakReport', { ...leak, cause: 'bad luck' })).toBeDefined();
    expect(faultsIn('leakReport', { ...leak, surprise: 1 })).toBeDefined();
    expect(faultsIn('attachDocument', { ...document, leaks: [leak] })).toBeDefined();
  });
});
