// Where programs of cases run: a copy of their file, beside the packages that they import.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { allApis, installApi } from '../../../scripts/install-apis.mjs';
import { substitute } from './substitute.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What the corpus is called here: the names of its cases begin with it. */
export const CORPUS = 'corpus/';

/**
 * Names of the files of cases: those of this folder, and behind `corpus/` those of the corpus. Those of an API with packages of
 * its own are left out unless `all` is set.
 */
export function families(all) {
  const namesIn = (folder) => fs.readdirSync(path.join(root, folder)).map((file) => path.basename(file, '.mjs'));
  const own = namesIn('test/fixes/cases').filter((name) => all || !allApis().includes(name));
  return [...own.sort(), ...namesIn('test/corpus/cases').map((name) => CORPUS + name)];
}

/** One file of cases in a folder of its own. */
export class Stage {
  #folder;
  #source;
  #family;

  constructor(scratch, family) {
    this.#family = family;
    this.#folder = path.join(scratch, family);
    this.#source = fs.readFileSync(path.join(root, fileOf(family)), 'utf8');
    fs.mkdirSync(this.#casesFolder, { recursive: true });
    // What the cases import by a path from their folder.
    fs.mkdirSync(path.join(this.#folder, 'test/corpus'), { recursive: true });
    fs.symlinkSync(path.join(root, 'test/corpus/lib'), path.join(this.#folder, 'test/corpus/lib'));
    fs.symlinkSync(packagesOf(family), path.join(this.#folder, 'node_modules'));
    fs.writeFileSync(path.join(this.#casesFolder, 'cases.mjs'), this.#source);
  }

  /** The cases, by name. */
  async cases() {
    return (await import(this.asItIs())).default;
  }

  /** URL of the file as it stands. */
  asItIs() {
    return pathToFileURL(path.join(this.#casesFolder, 'cases.mjs')).href;
  }

  /** URL of the file with the fix of one case typed in. */
  fixed(name, { program, fix }) {
    const file = path.join(this.#casesFolder, `${name}-fixed.mjs`);
    fs.writeFileSync(file, substitute(this.#source, String(program), fix));
    return pathToFileURL(file).href;
  }

  /** A file for the guard's log of one run. */
  log(name) {
    return path.join(this.#folder, `${name}.jsonl`);
  }

  get #casesFolder() {
    return path.join(this.#folder, path.dirname(fileOf(this.#family)));
  }
}

function fileOf(family) {
  return family.startsWith(CORPUS)
    ? `test/corpus/cases/${family.slice(CORPUS.length)}.mjs`
    : `test/fixes/cases/${family}.mjs`;
}

/** An API with packages of its own has them in test/apis/<api>, under the name of its file of cases. */
function packagesOf(api) {
  return path.join(allApis().includes(api) ? installApi(api) : root, 'node_modules');
}
