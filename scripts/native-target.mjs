// What the addon is compiled from and with: native/binding.gyp is the one list of it.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Lies beside the sources and not in the root: Yarn and pnpm would compile every package that has one there. */
export const GYP_FILE = 'native/binding.gyp';

/** `sources` from the root, `defines`, `cflags` and `cflags_cc` on Linux. The file is JSON, but for the comments. */
export function nativeTarget() {
  const text = fs.readFileSync(path.join(root, GYP_FILE), 'utf8').replace(/^\s*#.*$/gm, '');
  const target = JSON.parse(text).targets[0];
  const onLinux = target.conditions[0][1];
  return { ...onLinux, name: target.target_name, sources: onLinux.sources.map((file) => `native/${file}`) };
}
