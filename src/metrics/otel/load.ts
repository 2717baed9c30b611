import { applicationFolders, requireFrom } from '../../base/application.js';
import { GuardError } from '../../base/errors.js';
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
  const found = find(API);
  if (found === undefined) {
    throw new GuardError(
      'CWG_ERR_PEER_VERSION',
      `close-wait-guard/otel: ${API} is not installed for the main script, the working directory or this package; it takes version 1.9 or later: npm install ${API}`,
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
  const ofPackage = find(LOGS) as { readonly logs?: OtelLogs } | undefined;
  return [api.logs, ofPackage?.logs].filter((logs) => logs !== undefined);
}

/** False of a logger that goes nowhere, as far as it tells. */
export function isEnabled(logger: OtelLogger): boolean {
  return logger.enabled?.() !== false;
}

export const HOW_TO_GET_LOGS = `install ${LOGS}, or ${API} 1.10 or later`;

/**
 * The application's copy goes before that of this package: what is registered with a copy is not seen by one of a later version. A
 * bundle has its own.
 */
function find(name: string): unknown {
  for (const folder of applicationFolders()) {
    try {
      return requireFrom(folder)(name);
    } catch {
      // Not installed there, or not to be read (--permission).
      continue;
    }
  }
  return requireOptional(name);
}
