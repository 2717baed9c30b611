// A Node.js that was built for musl, as Alpine's is. npm has one inside a program: pnpm 11's for Alpine is Node.js 26 linked to musl's
// libc, whose built-in script only loads dist/pnpm.mjs beside the executable. That file is ours here. It also wants Alpine's
// libstdc++, which no registry has: Debian's serves, with musl-shim.c under it.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { cacheFolder, unpacked } from '../npm-cache.mjs';
import { zig } from '../zig.mjs';
import { debian, fileIn } from './debian.mjs';

const PROGRAM = '@pnpm/linuxstatic-x64@11.21.0';
const INTEGRITY = 'sha512-6Y2u+AfOUuTqWgTCpFhySL8HAcONDucCFixKle9tWoW7bm8RF0+fwQBRWNWGdx+Toau07wZ1LNZPqN8gpgeBDQ==';

/** What dist/pnpm.mjs is. It is loaded by require(), so it awaits nothing; the program is no argument of the script. */
const ENTRY = `import module from 'node:module';
process.argv.splice(1, 1);
module.createRequire(process.argv[1])(process.argv[1]);
`;

/** The command that runs a script in it: to be followed by the script's absolute path. @throws Error that says why there is none */
export function muslNode() {
  const program = path.join(unpacked('musl-node-26', PROGRAM, INTEGRITY), 'pnpm');
  const packages = debian('debian-amd64', 'amd64', ['musl', 'libstdc++6', 'libgcc-s1']);
  const folder = path.join(cacheFolder(), `musl-node-26-libraries-${digest()}`);
  if (!fs.existsSync(path.join(folder, 'dist', 'pnpm.mjs'))) assemble(folder, packages);
  const [loader, libraries] = [path.join(folder, 'ld-musl'), path.join(folder, 'lib')];
  return [loader, '--library-path', libraries, '--preload', path.join(libraries, 'musl-shim.so'), program];
}

function digest() {
  const hash = createHash('sha256').update(ENTRY);
  return hash
    .update(fs.readFileSync(path.join(import.meta.dirname, 'musl-shim.c')))
    .digest('hex')
    .slice(0, 8);
}

function assemble(folder, packages) {
  const libraries = path.join(folder, 'lib');
  fs.mkdirSync(libraries, { recursive: true });
  for (const name of ['libstdc++.so.6', 'libgcc_s.so.1'])
    fs.copyFileSync(fileIn(packages, name), path.join(libraries, name));
  // musl's libc is its loader, too. Node.js takes it for its own executable, beside which it looks for its script.
  fs.copyFileSync(fileIn(packages, 'libc.so'), path.join(libraries, 'libc.musl-x86_64.so.1'));
  fs.copyFileSync(fileIn(packages, 'libc.so'), path.join(folder, 'ld-musl'));
  const shared = ['cc', '-target', 'x86_64-linux-musl', '-shared', '-fPIC', '-O1', '-w'];
  zig([...shared, '-o', path.join(libraries, 'musl-shim.so'), 'musl-shim.c'], { cwd: import.meta.dirname });
  // libstdc++ names glibc's loader, and uses nothing of it.
  const nothing = path.join(folder, 'nothing.c');
  fs.writeFileSync(nothing, 'int close_wait_guard_nothing;\n');
  zig([...shared, '-o', path.join(libraries, 'ld-linux-x86-64.so.2'), nothing], { cwd: folder });
  fs.mkdirSync(path.join(folder, 'dist'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'dist', 'pnpm.mjs'), ENTRY);
}
