import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { DUMP_FIELDS, ENDPOINT_BYTES, LAYOUT_VERSION, RECORD_FIELDS, type NativeBinding } from './native.js';
import { unsupportedRuntime } from './runtime.js';

export type Loaded = { readonly binding: NativeBinding } | { readonly binding: undefined; readonly reason: string };

let loaded: Loaded | undefined;

/** Loads the addon on first use, never on import. A load that fails is a reason in words, not an exception. */
export function loadBinding(): Loaded {
  loaded ??= load();
  return loaded;
}

function load(): Loaded {
  const otherRuntime = unsupportedRuntime();
  if (otherRuntime !== undefined) return { binding: undefined, reason: otherRuntime };
  const platform = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') {
    return { binding: undefined, reason: `it reads Linux kernel state, and this is ${platform}` };
  }
  try {
    const require = createRequire(import.meta.url);
    const nodeGypBuild = require('node-gyp-build') as (root: string) => NativeBinding;
    const binding = nodeGypBuild(fileURLToPath(new URL('../..', import.meta.url)));
    const mismatch = layoutMismatch(binding);
    return mismatch ? { binding: undefined, reason: mismatch } : { binding };
  } catch (error) {
    const message = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    return { binding: undefined, reason: `its native addon for ${platform} could not be loaded (${message})` };
  }
}

/** A binary of another version would put numbers into the wrong columns: refuse it rather than misread it. */
function layoutMismatch(binding: NativeBinding): string | undefined {
  const same =
    binding.layoutVersion === LAYOUT_VERSION &&
    binding.endpointBytes === ENDPOINT_BYTES &&
    binding.recordFields.join() === RECORD_FIELDS.join() &&
    binding.dumpFields.join() === DUMP_FIELDS.join();
  return same
    ? undefined
    : `its native addon has record layout ${binding.layoutVersion} where this version needs ${LAYOUT_VERSION}; rebuild or reinstall it`;
}
