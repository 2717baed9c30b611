// Loaded after the guard in every process of a guarded run: which test file a process runs, so that a report, which has
// its pid, can be read beside it.
const fs = require('node:fs');
const path = require('node:path');
const { isMainThread } = require('node:worker_threads');

const folder = process.env.SUITE_PROCESSES;
if (folder && isMainThread) {
  const line = { pid: process.pid, program: process.argv[1] ?? '', arguments: process.argv.slice(2) };
  fs.writeFileSync(path.join(folder, `${process.pid}.json`), JSON.stringify(line));
}
