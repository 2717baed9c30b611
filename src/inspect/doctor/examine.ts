import type { CommandIo } from '../frame/command.js';
import { identifyProcess } from '../processes/identity.js';
import type { Finding } from './finding.js';
import { limitFindings } from './limits.js';
import { sightFindings } from './sight.js';
import { sysctlFindings } from './sysctls.js';

export interface Examination {
  /** Whose limits; undefined for those that a process started here gets. */
  readonly pid: number | undefined;
  readonly selfTest: boolean;
  readonly io: Pick<CommandIo, 'progress' | 'signal'>;
}

/** @throws CommandError where the pid is no process that can be looked into */
export async function examine({ pid, selfTest, io }: Examination): Promise<Finding[]> {
  if (pid !== undefined) identifyProcess(pid);
  const findings = [...(await sightFindings()), ...limitFindings(pid ?? 'self'), ...sysctlFindings()];
  if (!selfTest) return findings;
  io.progress('making a leak on loopback, and looking for it');
  // Loads the guard, which the rest does not need.
  const test = await import('./self-test.js');
  const found = await test.selfTest(io.signal);
  io.progress(undefined);
  return [...findings, ...found];
}
