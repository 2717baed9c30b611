// A reporter of mocha: one JSON object a line, with the time, because all of mocha's tests run in one process.
const fs = require('node:fs');

module.exports = class Lines {
  constructor(runner) {
    const started = new Map();
    const write = (test, outcome, error) => {
      const line = { file: test.file ?? '', name: test.fullTitle(), outcome, why: error?.message };
      const [start, end] = [started.get(test) ?? Date.now(), Date.now()];
      fs.appendFileSync(process.env.SUITE_OUTCOMES, `${JSON.stringify({ ...line, start, end })}\n`);
    };
    runner.on('test', (test) => started.set(test, Date.now()));
    runner.on('pass', (test) => write(test, 'passed'));
    runner.on('fail', (test, error) => write(test, 'failed', error));
    runner.on('pending', (test) => write(test, 'skipped'));
    // A suite that leaves servers open does not end by itself. What the last tests leak is still reported.
    runner.on('end', () => setTimeout(() => process.exit(), 2000).unref());
  }
};
