import { distance } from './nearest.js';

/** Every environment variable of this library. Any other name with this prefix is taken for a misspelling. */
export const ENVIRONMENT_NAMES = [
  'CLOSE_WAIT_GUARD',
  'CLOSE_WAIT_GUARD_ADDON',
  'CLOSE_WAIT_GUARD_IGNORE',
  'CLOSE_WAIT_GUARD_INSPECTOR_ROUTE',
  'CLOSE_WAIT_GUARD_INTERVAL_MS',
  'CLOSE_WAIT_GUARD_LOG',
  'CLOSE_WAIT_GUARD_LOG_LEVEL',
  'CLOSE_WAIT_GUARD_METRICS_PORT',
  'CLOSE_WAIT_GUARD_OTEL',
  'CLOSE_WAIT_GUARD_RECLAIM',
  'CLOSE_WAIT_GUARD_REDACT',
  'CLOSE_WAIT_GUARD_SIGNAL',
  'CLOSE_WAIT_GUARD_TIMEOUT_MS',
] as const;

const PREFIX = /^CLOSE_WAIT_GUARD(?![A-Z0-9])/i;
/** What Kubernetes and Docker put into the environment for a service that is called close-wait-guard. */
const SERVICE_LINK =
  /^CLOSE_WAIT_GUARD_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** What `CLOSE_WAIT_GUARD` says: `off` turns the whole library off. */
export type Switch = 'on' | 'off' | 'neither';

/** Reads `CLOSE_WAIT_GUARD` as it is at this moment. */
export function readSwitch(environment: NodeJS.ProcessEnv = process.env): Switch {
  switch (environment.CLOSE_WAIT_GUARD?.trim().toLowerCase() ?? '') {
    case '':
    case 'on':
    case '1':
    case 'true':
      return 'on';
    case 'off':
    case '0':
    case 'false':
      return 'off';
    default:
      return 'neither';
  }
}

/** Whether `CLOSE_WAIT_GUARD=off` (or 0, false) is set: then nothing is loaded and nothing is watched. */
export function isSwitchedOff(environment: NodeJS.ProcessEnv = process.env): boolean {
  return readSwitch(environment) === 'off';
}

/** Variables with this library's prefix that it does not have, each with the known names, the most similar first. */
export function unknownNames(
  environment: NodeJS.ProcessEnv = process.env,
): { readonly name: string; readonly known: string[] }[] {
  const known: readonly string[] = ENVIRONMENT_NAMES;
  return Object.keys(environment)
    .filter((name) => PREFIX.test(name) && !known.includes(name) && !SERVICE_LINK.test(name))
    .map((name) => {
      const written = name.slice(0, 100).toUpperCase();
      const near = known.map((candidate) => ({ candidate, distance: distance(written, candidate) }));
      return { name, known: near.sort((a, b) => a.distance - b.distance).map(({ candidate }) => candidate) };
    });
}
