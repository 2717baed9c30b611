import { realpathSync } from 'node:fs';

/** Paths of these programs, as installed: an application may have a `yarn.js` of its own. */
const PROGRAMS = [
  /\/npm\/bin\/np[mx]-cli\.js$/,
  /\/npm\/(?:\d[^/]*\/)?bin\/np[mx]-cli\.js$/,
  /\/corepack\/dist\/[\w-]+\.js$/,
  /\/pnpm\/(?:\d[^/]*\/)?(?:bin|dist)\/pnp[mx]\.[cm]?js$/,
  /\/yarn\/(?:\d[^/]*\/)?(?:bin\/)?yarn\.c?js$/,
  /\/\.yarn\/releases\/yarn-[^/]+\.c?js$/,
];

/**
 * Whether this process is npm, npx, pnpm, yarn or corepack. With NODE_OPTIONS, `npm start` loads the preload into npm itself
 * as well as into the application, and nobody wants npm watched.
 *
 * @param script process.argv[1], which may be a symbolic link (`/usr/bin/npm`)
 */
export function isPackageManager(script: string | undefined): boolean {
  if (script === undefined) return false;
  let file = script;
  try {
    file = realpathSync(script);
  } catch {
    // No file, or not readable: the path is compared as it is.
    file = script;
  }
  return PROGRAMS.some((program) => program.test(file));
}
