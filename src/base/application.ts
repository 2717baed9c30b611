import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** Where the application's own packages are looked for: beside its main script, then in the working directory. Never throws. */
export function applicationFolders(): Set<string> {
  const folders = new Set<string>();
  const [, main] = process.argv;
  if (main !== undefined && path.isAbsolute(main)) {
    folders.add(path.dirname(main));
    const real = orUndefined(() => realpathSync(main));
    if (real !== undefined) folders.add(path.dirname(real));
  }
  const cwd = orUndefined(() => process.cwd());
  if (cwd !== undefined) folders.add(cwd);
  return folders;
}

/** The main script may be no file, and the working directory may be gone or not to be read. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** A `require` as a file in this folder has it. */
export function requireFrom(folder: string): NodeJS.Require {
  return createRequire(path.join(folder, 'noop.js'));
}
