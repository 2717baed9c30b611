import { readSwitch, unknownNames } from '../base/environment.js';
import { inspectValue } from '../base/errors.js';
import { warnSetting } from './warnings.js';

/** Warns once of each misspelt environment variable, and of a switch that is neither on nor off: what there is, or what it takes. */
export function warnOfEnvironment(): void {
  for (const { name, known } of unknownNames()) {
    warnSetting(name, `there is no environment variable ${inspectValue(name)}; there are ${known.join(', ')}`);
  }
  if (readSwitch() === 'neither') {
    const value = inspectValue(process.env.CLOSE_WAIT_GUARD);
    warnSetting('CLOSE_WAIT_GUARD', `CLOSE_WAIT_GUARD is ${value}; it takes on or off; on is used`);
  }
}
