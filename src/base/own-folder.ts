import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The folder that this library's compiled files lie in, read off the stack: `import.meta.url` and `__dirname` each exist in
 * one module form only, and in a bundle perhaps neither. Undefined where the stack does not tell. Nothing but a message may
 * depend on it.
 */
export function ownFolder(): string | undefined {
  const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  try {
    Error.prepareStackTrace = (_error, sites) => sites[0]?.getFileName();
    const file: unknown = new Error().stack;
    if (typeof file !== 'string') return undefined;
    return path.dirname(path.dirname(file.startsWith('file:') ? fileURLToPath(file) : file));
  } catch {
    // Error is frozen (--frozen-intrinsics).
    return undefined;
  } finally {
    if (before === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
    else Reflect.defineProperty(Error, 'prepareStackTrace', before);
  }
}
