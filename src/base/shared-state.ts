import channels from 'node:diagnostics_channel';
import packageFolder from './package-folder.cjs';
import { VERSION } from './version.js';

/**
 * What all copies of this library in a thread share: two installations, its ES module and its CommonJS form, the modules
 * that jest and vitest's vmThreads make anew for each test file. Without it each of them would have a watch of its own and
 * report each leak.
 *
 * It hangs on a core module: jest gives each test file a `globalThis` and a `process` of its own, and the same core modules.
 */
interface SharedState {
  readonly version: string;
  readonly folder: string | undefined;
  readonly parts: Map<string, unknown>;
}

const KEY = Symbol.for('close-wait-guard.state');

/** The state of a copy whose version does not fit the first one's: shared with nobody. */
const own: SharedState = { version: VERSION, folder: undefined, parts: new Map() };

function current(): SharedState {
  const holder = channels as { [KEY]?: SharedState };
  // Not enumerable, so that a list of the module's exports is what it always was.
  if (holder[KEY] === undefined) {
    const state: SharedState = { version: VERSION, folder: packageFolder(), parts: new Map() };
    Object.defineProperty(holder, KEY, { value: state, configurable: true });
  }
  const first = holder[KEY] ?? own;
  return fits(first.version, VERSION) ? first : own;
}

/**
 * A part of the shared state, made by whichever copy asks for it first. Nothing happens before the first call of what is
 * returned, so that importing a module has no effect.
 *
 * @param name the same in every version that {@link fits}; a part whose shape changes gets another name
 */
export function shared<T>(name: string, create: () => T): () => T {
  let found: { readonly part: T } | undefined;
  return () => {
    if (found) return found.part;
    const { parts } = current();
    if (!parts.has(name)) parts.set(name, create());
    found = { part: parts.get(name) as T };
    return found.part;
  };
}

/** Whether a copy of this library is, or was, in use in this thread. */
export function isInUse(): boolean {
  return (channels as { [KEY]?: SharedState })[KEY] !== undefined;
}

/** Takes the state away again. Only for who was the first to use it, and is the last. */
export function dropSharedState(): void {
  Reflect.deleteProperty(channels, KEY);
}

/** A copy of another major version that was used first in this thread, in words; undefined when there is none. */
export function otherVersionInUse(): string | undefined {
  const first = (channels as { [KEY]?: SharedState })[KEY];
  if (first === undefined || fits(first.version, VERSION)) return undefined;
  const at = (folder: string | undefined): string => (folder === undefined ? '' : ` (${folder})`);
  return `version ${first.version}${at(first.folder)} is in use in this process already, and this is version ${VERSION}${at(packageFolder())}: remove one of them`;
}

/** Whether two versions may share state: the same major version, and before 1.0 the same minor one (semver.org, 4). */
export function fits(one: string, other: string): boolean {
  const [major, minor] = one.split('.');
  const [otherMajor, otherMinor] = other.split('.');
  return major === otherMajor && (major !== '0' || minor === otherMinor);
}
