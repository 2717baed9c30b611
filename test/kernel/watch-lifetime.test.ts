import { spawnSync } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { openFds } from '../support/kernel-view.js';
import { addonFile } from '../support/programs.js';
import { until } from '../support/until.js';
import { binding } from './binding.js';

const eventpolls = () => [...openFds().values()].filter((link) => link === 'anon_inode:[eventpoll]').length;

/** Common JS, for a thread or process of its own. */
const load = `const binding = require(${JSON.stringify(addonFile)});`;

describe('close()', () => {
  it('gives its fd back, and may be called again', () => {
    const before = eventpolls();
    const watch = new binding.HalfCloseWatch();
    expect(eventpolls()).toBe(before + 1);
    watch.close();
    expect(eventpolls()).toBe(before);
    watch.close();
    expect(eventpolls()).toBe(before);
  });

  it('called again, closes nothing that has taken its number since', () => {
    const first = new binding.HalfCloseWatch();
    first.close();
    const before = eventpolls();
    const second = new binding.HalfCloseWatch();
    first.close();
    expect(eventpolls()).toBe(before + 1);
    second.close();
  });

  it('leaves a watch that says it is closed', () => {
    const watch = new binding.HalfCloseWatch();
    watch.close();
    const closed = { name: 'TypeError', code: 'CWG_ERR_NATIVE_ARGUMENT' };
    expect(() => watch.add(new Int32Array(1), 1, new BigUint64Array(1), new Int32Array(1))).toThrow(
      expect.objectContaining({ ...closed, message: 'HalfCloseWatch.add: watch is closed' }),
    );
    expect(() => watch.drain(new BigUint64Array(1), new Uint32Array(1))).toThrow(
      expect.objectContaining({ ...closed, message: 'HalfCloseWatch.drain: watch is closed' }),
    );
  });
});

it('a watch that was dropped is closed when it is collected', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const before = eventpolls();
  (() => {
    for (let i = 0; i < 50; i++) new binding.HalfCloseWatch();
  })();
  expect(eventpolls()).toBeGreaterThan(before);
  await until('the collector to close them', () => {
    collect();
    return eventpolls() === before;
  });
});

describe('worker threads', () => {
  it.each([
    ['that exit by themselves', '', 'exits'],
    ['that call process.exit()', 'process.exit();', 'exits'],
    ['that throw', `throw new Error('as asked');`, 'throws'],
    ['that are terminated', 'setInterval(() => {}, 1000);', 'terminated'],
    // A thread that is terminated inside a call can throw no more and wrap no more: neither may abort the process.
    ['that are terminated within drain()', 'for (;;) watch.drain(cookies, events);', 'terminated'],
    ['that are terminated within new', 'for (;;) new binding.HalfCloseWatch().close();', 'terminated'],
    ['that are terminated within misuse', 'for (;;) try { binding.readSockets(cookies, NaN); } catch {}', 'terminated'],
    ['that are terminated within fdUsage()', 'for (;;) binding.fdUsage();', 'terminated'],
    ['that are terminated within checkKernel()', 'for (;;) binding.checkKernel();', 'terminated'],
    [
      'that are terminated within findWatched()',
      'for (;;) binding.findWatched(cookies, new Uint8Array(64));',
      'terminated',
    ],
  ])('%s leave no epoll set behind', async (_, ending, how) => {
    const before = eventpolls();
    const workers = Array.from({ length: 4 }, () => {
      const code = `${load}
        const watches = Array.from({ length: 10 }, () => new binding.HalfCloseWatch());
        const [watch] = watches;
        const [cookies, events] = [new BigUint64Array(8), new Uint32Array(8)];
        require('node:worker_threads').parentPort.postMessage(watch.drain(cookies, events));
        ${ending}`;
      return new Worker(code, { eval: true });
    });
    const drained: unknown[] = [];
    const errors: unknown[] = [];
    for (const worker of workers) {
      worker.on('message', (count) => drained.push(count));
      worker.on('error', (error) => errors.push(error));
    }
    const exits = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    if (how === 'terminated') {
      await until('all threads to have made their watches', () => drained.length === 4);
      expect(eventpolls()).toBeGreaterThanOrEqual(before + 40);
      for (const worker of workers) await worker.terminate();
    }
    await Promise.all(exits);
    expect(drained).toEqual([0, 0, 0, 0]);
    expect(errors).toHaveLength(how === 'throws' ? 4 : 0);
    await until('their epoll sets to be gone', () => eventpolls() === before);
  });
});

it('with no fd left, says so; once there is one, works', () => {
  const code = `${load}
    const fs = require('node:fs');
    const attempt = (run) => {
      try { run(); return 'worked'; } catch ({ name, code, errno, syscall, message }) { return { name, code, errno, syscall, message }; }
    };
    fs.closeSync(fs.openSync('/dev/null', 'r'));
    const filler = [];
    try { for (;;) filler.push(fs.openSync('/dev/null', 'r')); } catch {}
    const watch = () => new binding.HalfCloseWatch().close();
    const dump = () => binding.dumpSockets(2, new Uint16Array(0), new Float64Array(0), new BigUint64Array(0));
    const full = [attempt(watch), attempt(dump), binding.fdTableSize(), binding.fdUsage()];
    for (const fd of filler) fs.closeSync(fd);
    process.stdout.write(JSON.stringify([...full, attempt(watch), attempt(dump)]));`;
  const shell = spawnSync('sh', ['-c', 'ulimit -n 64 && exec "$0" -e "$1"', process.execPath, code], {
    encoding: 'utf8',
  });
  expect(shell).toMatchObject({ status: 0, stderr: '' });
  const emfile = (syscall: string) => ({
    name: 'Error',
    code: 'CWG_ERR_SYSCALL',
    errno: constants.errno.EMFILE,
    syscall,
    message: `${syscall}: Too many open files`,
  });
  const [watch, dump, size, usage, ...after] = JSON.parse(shell.stdout) as unknown[];
  expect(watch).toEqual(emfile('epoll_create1'));
  expect(dump).toEqual(emfile('socket'));
  expect(size).toBe(64);
  expect(usage).toEqual([expect.toSatisfy((open: number) => open >= 64), 64]);
  expect(after).toEqual(['worked', 'worked']);
});
