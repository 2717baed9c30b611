import { existsSync } from 'node:fs';
import path from 'node:path';
import packageFolder from '../../base/package-folder.cjs';
import { CommandError } from './errors.js';

/**
 * The absolute path of a file that this package carries.
 * @param relative from the package's folder, as in `docs/causes/paused.md`
 * @throws CommandError where it is not there: the code was bundled or copied without it
 */
export function packageFile(relative: string): string {
  const folder = packageFolder();
  const file = folder === undefined ? undefined : path.join(folder, relative);
  if (file === undefined || !existsSync(file)) {
    throw new CommandError(
      `${relative} of close-wait-guard is not where its code is: install the package as npm delivers it`,
    );
  }
  return file;
}
