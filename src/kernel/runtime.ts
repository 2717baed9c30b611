/** What `process.versions` of other runtimes has, and what they are called. */
const OTHERS = [
  ['bun', 'Bun'],
  ['deno', 'Deno'],
] as const;

/**
 * Why this library does not run on a runtime that only resembles Node.js: their sockets have no libuv handle and no
 * diagnostics channel announces them, so a healthy one would be taken for a leak of another thread. Undefined on Node.js.
 */
export function unsupportedRuntime(
  versions: Readonly<Record<string, string | undefined>> = process.versions,
): string | undefined {
  const found = OTHERS.find(([key]) => versions[key] !== undefined);
  return found && `it reads the sockets of Node.js, and this is ${found[1]} ${versions[found[0]]}`;
}
