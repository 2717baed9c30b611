// The lines of native/ that the C++ suite (test/kernel/sanitize) runs, by gcov.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.join(import.meta.dirname, '../..');
const native = path.join(root, 'native');
const suite = path.join(root, 'test/kernel/sanitize');
const cxx = process.env.CXX || 'g++';

/** @returns file → { lines, covered } @throws Error naming the tool that failed, and what it said */
export function nativeCoverage() {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-coverage-'));
  try {
    const sources = [
      ...filesOf(path.join(native, 'linux')),
      path.join(native, 'cookie_set.cc'),
      path.join(native, 'watch_registry.cc'),
    ];
    const objects = [...sources, ...filesOf(suite)].map((source, i) => {
      const object = path.join(scratch, `${i}.o`);
      run(cxx, ['-std=c++17', '-g', '-O0', '--coverage', '-pthread', '-c', source, '-o', object], scratch);
      return object;
    });
    run(cxx, ['--coverage', '-pthread', ...objects, '-o', 'suite'], scratch);
    run(path.join(scratch, 'suite'), [], scratch);
    return linesOf(objects.slice(0, sources.length), sources, scratch);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

function linesOf(objects, sources, scratch) {
  const files = new Map();
  objects.forEach((object, i) => {
    const { files: seen } = JSON.parse(run('gcov', ['--json-format', '--stdout', object], scratch));
    for (const { file, lines } of seen) {
      if (path.resolve(scratch, file) !== sources[i]) continue;
      // A template's line is there once for each of its instances.
      const counts = new Map();
      for (const { line_number: line, count } of lines) counts.set(line, Math.max(counts.get(line) ?? 0, count));
      const covered = [...counts.values()].filter((count) => count > 0).length;
      files.set(path.relative(root, sources[i]), { lines: counts.size, covered });
    }
  });
  return files;
}

function filesOf(folder) {
  return fs
    .readdirSync(folder)
    .filter((file) => file.endsWith('.cc'))
    .map((file) => path.join(folder, file));
}

function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status === 0) return stdout;
  throw new Error(`${path.basename(command)} failed: ${error?.message ?? stderr.split('\n', 3).join(' ')}`);
}
