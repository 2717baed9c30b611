// Programs and libraries of other machines, from Debian's packages: downloaded and unpacked into the user's cache folder, never
// installed. Needs apt-get and dpkg-deb, and no root.
import fs from 'node:fs';
import path from 'node:path';
import { cacheFolder, run } from '../npm-cache.mjs';

/**
 * The folder of that name in the cache, with these packages of an architecture (`amd64`) unpacked in it, or `only` one file of them.
 * @throws Error with apt's words
 */
export function debian(name, architecture, packages, only) {
  const folder = path.join(cacheFolder(), name);
  if (fs.existsSync(folder)) return folder;
  fs.mkdirSync(cacheFolder(), { recursive: true });
  const work = fs.mkdtempSync(`${folder}.`);
  try {
    const tree = path.join(work, 'tree');
    for (const made of [tree, 'state/lists/partial', 'cache/archives/partial']) {
      fs.mkdirSync(path.resolve(work, made), { recursive: true });
    }
    // A state of its own: this machine knows no packages of another architecture, and a new one none at all.
    const settings = [
      `APT::Architecture=${architecture}`,
      `APT::Architectures=${architecture}`,
      `Dir::State=${path.join(work, 'state')}`,
      'Dir::State::status=/dev/null',
      `Dir::Cache=${path.join(work, 'cache')}`,
      ...(process.getuid() === 0 ? ['APT::Sandbox::User=root'] : []),
    ].flatMap((setting) => ['-o', setting]);
    run('apt-get', ['update', '-q', ...settings], work);
    run('apt-get', ['download', '-q', ...settings, ...packages], work);
    for (const file of fs.readdirSync(work).filter((each) => each.endsWith('.deb')))
      run('dpkg-deb', ['-x', file, tree], work);
    const wanted = only === undefined ? tree : path.join(work, 'wanted');
    if (only !== undefined) {
      fs.mkdirSync(wanted);
      fs.renameSync(fileIn(tree, only), path.join(wanted, only));
    }
    if (!fs.existsSync(folder)) fs.renameSync(wanted, folder);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/** The first file of that name below a folder. */
export function fileIn(folder, name) {
  const found = fs.readdirSync(folder, { recursive: true }).find((each) => path.basename(each) === name);
  if (found === undefined) throw new Error(`there is no ${name} in ${folder}`);
  return path.join(folder, found);
}
