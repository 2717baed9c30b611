import { existsSync } from 'node:fs';
import path from 'node:path';
import packageFolder from '../base/package-folder.cjs';
import { DUMP_FIELDS, ENDPOINT_FIELDS, FD_KINDS, LAYOUT_VERSION, RECORD_FIELDS, type NativeBinding } from './native.js';
import { unsupportedRuntime } from './runtime.js';

export type Loaded = { readonly binding: NativeBinding } | { readonly binding: undefined; readonly reason: string };

/** Names the addon's file, for code that is bundled away from it. An absolute path. */
export const ADDON_SETTING = 'CLOSE_WAIT_GUARD_ADDON';

const ADVICE = `see docs/install.md of close-wait-guard`;
/** EMFILE, ENFILE and ENOMEM as glibc and musl word them: the next time may be better. */
const TRANSIENT = /too many open files|no file descriptors available|cannot allocate memory|out of memory/i;

let loaded: Loaded | undefined;

/**
 * Loads the addon on first use, never on import. A load that fails is a reason in words, not an exception. It is remembered,
 * unless it failed for want of a file descriptor or of memory.
 */
export function loadBinding(): Loaded {
  if (loaded) return loaded;
  const result = load();
  if (result.binding || !TRANSIENT.test(result.reason)) loaded = result;
  return result;
}

function load(): Loaded {
  const otherRuntime = unsupportedRuntime();
  if (otherRuntime !== undefined) return { binding: undefined, reason: otherRuntime };
  const platform = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') {
    return { binding: undefined, reason: `it reads Linux kernel state, and this is ${platform}` };
  }
  try {
    const binding = openFirst(platform);
    const mismatch = layoutMismatch(binding);
    return mismatch ? { binding: undefined, reason: mismatch } : { binding };
  } catch (error) {
    return {
      binding: undefined,
      reason: `its native addon for ${platform} could not be loaded (${firstLineOf(error)})`,
    };
  }
}

/** @throws Error that says what was tried and what to do */
function openFirst(platform: string): NativeBinding {
  const named = process.env[ADDON_SETTING];
  if (named !== undefined && named !== '') {
    if (!path.isAbsolute(named)) throw new Error(`${ADDON_SETTING} is ${named}, which is no absolute path`);
    if (!existsSync(named)) throw new Error(`${ADDON_SETTING} is ${named}, and there is no such file`);
    return open(named);
  }
  const folder = packageFolder();
  // A bundler may have put its own idea of a path into the code: then there is no such folder.
  if (folder === undefined || !existsSync(path.join(folder, 'package.json'))) {
    throw new Error(
      `this code is in a bundle, and the addon is not: mark close-wait-guard as external, or copy its .node file and set ${ADDON_SETTING} to its path; ${ADVICE}`,
    );
  }
  const files = candidatesIn(folder, platform).filter((file) => existsSync(file));
  const [first] = files;
  if (first === undefined) {
    throw new Error(
      `there is no prebuilds${path.sep}${platform} in ${folder}: build it with scripts${path.sep}build-native.js of that folder, or where files were picked for deployment, take that folder too; ${ADVICE}`,
    );
  }
  const failures: string[] = [];
  for (const file of files) {
    try {
      return open(file);
    } catch (error) {
      failures.push(firstLineOf(error));
    }
  }
  throw new Error(failures.join('; '));
}

/**
 * What was built here, then what the package carries. On each system one of the two C libraries lets its file load: glibc knows no
 * libc.so of musl, and musl does not have a function that the other file asks for (native/addon.cc).
 */
function candidatesIn(folder: string, platform: string): string[] {
  const prebuilds = path.join(folder, 'prebuilds', platform);
  return [
    path.join(folder, 'build', 'Release', 'close_wait_guard.node'),
    path.join(prebuilds, 'close-wait-guard.glibc.node'),
    path.join(prebuilds, 'close-wait-guard.musl.node'),
  ];
}

/** As require() opens a .node file. Bundlers do not follow it, and Node's permission model asks for no other file. */
function open(file: string): NativeBinding {
  const module = { exports: {} };
  process.dlopen(module, file);
  return module.exports as NativeBinding;
}

function firstLineOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}

/** A binary of another version would put numbers into the wrong columns: refuse it rather than misread it. */
function layoutMismatch(binding: NativeBinding): string | undefined {
  const same =
    binding.layoutVersion === LAYOUT_VERSION &&
    binding.recordFields.join() === RECORD_FIELDS.join() &&
    binding.dumpFields.join() === DUMP_FIELDS.join() &&
    binding.fdKinds.join() === FD_KINDS.join() &&
    Object.keys(binding.endpointOffsets).join() === ENDPOINT_FIELDS.join();
  return same
    ? undefined
    : `its native addon has record layout ${binding.layoutVersion} where this version needs ${LAYOUT_VERSION}; rebuild or reinstall it`;
}
