/** What must be true of a package before it is published: scripts/check-release.mjs, on one that is packed for it. It has no table. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const script = path.join(import.meta.dirname, '../check-release.mjs');
process.exitCode = spawnSync(process.execPath, [script], { stdio: 'inherit' }).status ?? 1;
