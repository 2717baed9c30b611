// Where programs of cases run: a copy of their file, beside the packages that they import.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { allApis, installApi } from '../../../scripts/install-apis.mjs';
import { substitute } from './substitute.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Names of the files of cases. Those of an API with packages of its own are left out unless `all` is set. */
export function families(all) {
  const names = fs.readdirSync(path.join(root, 'test/fixes/cases')).map((file) => path.basename(file, '.mjs'));
  return names.sort().filter((name) => all || !allApis().includes(name));
}

/** One file of cases in a folder of its own. */
export class Stage {
  #folder;
  #source;
  #family;

  constructor(scratch, family) {
    this.#family = family;
    this.#folder = path.join(scratch, family);
    this.#source = fs.readFileSync(path.join(root, 'test/fixes/cases', `${family}.mjs`), 'utf8');
    fs.mkdirSync(this.#casesFolder, { recursive: true });
    fs.symlinkSync(path.join(root, 'test/corpus'), path.join(this.#folder, 'test/corpus'));
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
    return path.join(this.#folder, `${this.#family}-${name}.jsonl`);
  }

  get #casesFolder() {
    return path.join(this.#folder, 'test/fixes/cases');
  }
}

/** An API with packages of its own has them in test/apis/<api>, under the name of its file of cases. */
function packagesOf(api) {
  return path.join(allApis().includes(api) ? installApi(api) : root, 'node_modules');
}
