'use strict';
// Runs in a container, see containers.mjs: finds a leak with the package that is installed beside it, and says what it is in.
const fs = require('node:fs');
const { createGuard } = require('close-wait-guard');
const { findLeak } = require('./find-leak.cjs');

const warnings = [];
process.on('warning', ({ code }) => warnings.push(code));
const can = (call) => {
  try {
    call();
    return true;
  } catch {
    return false;
  }
};

let guard;
findLeak((options) => (guard = createGuard(options))).then((found) => {
  const { errors } = guard.stats();
  setImmediate(() => {
    const value = {
      ...found,
      errors: Object.fromEntries(Object.entries(errors).filter(([, count]) => count > 0)),
      warnings,
      pid: process.pid,
      uid: process.getuid(),
      shell: fs.existsSync('/bin/sh'),
      writes: can(() => fs.writeFileSync('/app/written', '')),
      proc: fs.existsSync('/proc/self/fd'),
      libc: process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc',
    };
    // As PID 1, to which the kernel passes no signal that it has no handler for.
    setTimeout(() => undefined, 10_000);
    process.once('SIGTERM', () => {
      console.log(JSON.stringify(value));
      process.exit(0);
    });
    process.kill(process.pid, 'SIGTERM');
  });
});
