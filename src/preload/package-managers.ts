import { realpathSync } from 'node:fs';

/** The programs themselves, by where they lie: an application may well have a `yarn.js` of its own. */
const PROGRAMS = [
  /\/npm\/bin\/np[mx]-cli\.js$/,
  /\/npm\/(?:\d[^/]*\/)?bin\/np[mx]-cli\.js$/,
  /\/corepack\/dist\/[\w-]+\.js$/,
  /\/pnpm\/(?:\d[^/]*\/)?(?:bin|dist)\/pnp[mx]\.[cm]?js$/,
  /\/yarn\/(?:\d[^/]*\/)?(?:bin\/)?yarn\.c?js$/,
  /\/\.yarn\/releases\/yarn-[^/]+\.c?js$/,
];

/**
 * Whether this process is npm, npx, pnpm, yarn or corepack: under `npm start` with NODE_OPTIONS they run with the preload as
 * the application does that they start, and are not what anybody wants to watch.
 *
 * @param script process.argv[1], which may be a symbolic link (`/usr/bin/npm`)
 */
export function isPackageManager(script: string | undefined): boolean {
  if (script === undefined) return false;
  let file = script;
  try {
    file = realpathSync(script);
  } catch {
    // No file, or not to be read: then it is what it is called.
    file = script;
  }
  return PROGRAMS.some((program) => program.test(file));
}
