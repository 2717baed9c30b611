import { applicationFolders, requireFrom } from '../../base/application.js';
import { GuardError, inspectValue } from '../../base/errors.js';
import { isObject } from '../../base/objects.js';
import type { OtelApi, OtelLogger, OtelLogs } from './api.js';
import requireOptional from './packages.cjs';

const API = '@opentelemetry/api';
const LOGS = '@opentelemetry/api-logs';
const NEEDED = ['context', 'trace', 'metrics', 'ROOT_CONTEXT', 'createNoopMeter', 'isSpanContextValid'] as const;

/**
 * The API that is installed for the application, else for this package.
 * @throws GuardError CWG_ERR_PEER_VERSION where it is not installed, or too old
 */
export function loadApi(): OtelApi {
  const { found, failure } = find(API);
  if (found === undefined) {
    const why =
      failure === undefined
        ? 'is not installed for the main script, the working directory or this package'
        : `could not be loaded (${failure instanceof Error ? failure.message : inspectValue(failure)})`;
    throw new GuardError(
      'CWG_ERR_PEER_VERSION',
      `close-wait-guard/otel: ${API} ${why}; it takes version 1.9 or later: npm install ${API}`,
      { cause: failure },
    );
  }
  if (!NEEDED.every((name) => isObject(found) && found[name] !== undefined)) {
    throw new GuardError(
      'CWG_ERR_PEER_VERSION',
      `close-wait-guard/otel: the ${API} that is installed lacks ${NEEDED.filter((name) => !isObject(found) || found[name] === undefined).join(', ')}; it takes version 1.9 or later`,
    );
  }
  return found as unknown as OtelApi;
}

/**
 * Where loggers come from: the API itself since 1.10, and a package of its own, which an older SDK registers its provider with. None
 * where neither is there.
 */
export function loadLogs(api: OtelApi): readonly OtelLogs[] {
  const ofPackage = find(LOGS).found as { readonly logs?: OtelLogs } | undefined;
  return [api.logs, ofPackage?.logs].filter((logs) => logs !== undefined);
}

/** False of a logger that goes nowhere, as far as it tells. */
export function isEnabled(logger: OtelLogger): boolean {
  return logger.enabled?.() !== false;
}

export const HOW_TO_GET_LOGS = `install ${LOGS}, or ${API} 1.10 or later`;

/** How Node says that a package is not there, and how bundles of webpack, vite and esbuild do. */
const MISSING = /MODULE_NOT_FOUND|Cannot find module|Could not resolve|Dynamic require of/;

/**
 * The application's copy goes before that of this package: what is registered with a copy is not seen by one of a later version. A
 * bundle has its own. Of failures the first one that is not just its absence. Never throws.
 */
function find(name: string): { readonly found?: unknown; readonly failure?: unknown } {
  let failure: unknown;
  const ofApplication = Array.from(applicationFolders(), (folder) => (): ReturnType<typeof requireOptional> => {
    try {
      return { found: requireFrom(folder)(name) };
    } catch (error) {
      return { failure: error };
    }
  });
  for (const attempt of [...ofApplication, () => requireOptional(name)]) {
    const tried = attempt();
    if (tried.found !== undefined) return tried;
    if (!isMissing(tried.failure)) failure ??= tried.failure;
  }
  return { failure };
}

function isMissing(error: unknown): boolean {
  return MISSING.test(`${String((error as NodeJS.ErrnoException).code)} ${String(error)}`);
}
