import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Holders, type HolderAnswer } from '../../src/kernel/holders.js';
import { stageOfEachTest, type Stage } from '../support/stage.js';
import { socketInode } from '../support/kernel-view.js';
import { environmentOfAUser, jsonOf, outcomeOf, programs, root } from '../support/programs.js';
import { until } from '../support/until.js';
import { binding, fdOf, readOne } from './binding.js';

/** A connection accepted here, that a child holds too; here it is closed. */
async function heldByChild(stage: Stage): Promise<{ inode: number; cookie: bigint; pid: number }> {
  let accepted: Socket | undefined;
  const port = await stage.listen(net.createServer({ pauseOnConnect: true }, (socket) => (accepted = socket)));
  await stage.connect(port);
  const socket = await until('the connection', () => accepted);
  const inode = socketInode(fdOf(socket)) ?? 0;
  const { cookie } = readOne(fdOf(socket));
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], {
    stdio: ['ignore', socket, 'ignore'],
  });
  stage.defer(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  socket.destroy();
  return { inode, cookie, pid: child.pid! };
}

describe('who else reports a socket', () => {
  const stage = stageOfEachTest();

  function holders(): { holders: Holders; faults: unknown[] } {
    const faults: unknown[] = [];
    const opened = new Holders(binding, (error) => faults.push(error));
    stage.defer(() => opened.close());
    return { holders: opened, faults };
  }

  it('of this process is known at once, without /proc', () => {
    const { holders: asked } = holders();
    asked.beginSample();
    expect(asked.lookUp(12_345n, undefined)).toEqual({ answer: 'here-or-nowhere' });
  });

  it('of another process is known after a pass over /proc, in slices, and names the process', async () => {
    const { inode, cookie, pid } = await heldByChild(stage);
    const { holders: asked, faults } = holders();
    const answers: HolderAnswer[] = [];
    await until('the answer', () => {
      asked.beginSample();
      answers.push(asked.lookUp(cookie, inode));
      return answers.at(-1)!.answer !== 'not-yet';
    });
    expect(answers[0]).toEqual({ answer: 'not-yet' });
    expect(answers.at(-1)).toEqual({ answer: 'here-or-nowhere', holder: { pid, fd: 1 } });
    expect(faults).toEqual([]);
  });

  it('is known in the first sample of one that is to be whole', async () => {
    const { inode, cookie, pid } = await heldByChild(stage);
    const { holders: asked } = holders();
    asked.beginSample(true);
    expect(asked.lookUp(cookie, inode)).toEqual({ answer: 'here-or-nowhere', holder: { pid, fd: 1 } });
    expect(asked.lookUp(cookie, 1)).toEqual({ answer: 'here-or-nowhere' });
  });

  it('is not known for as long as the process has no fd left to read /proc with', async () => {
    const program = path.join(programs, 'holders-at-fd-limit.mjs');
    const outcome = await outcomeOf(
      spawn('sh', ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, program], {
        cwd: root,
        env: environmentOfAUser(),
        timeout: 60_000,
      }),
    );
    const { during, failed, after, later, pid } = jsonOf(outcome);
    expect(during).toEqual({ answer: 'not-yet' });
    expect(failed).toBeGreaterThan(0);
    expect({ after, later }).toEqual({ after: { answer: 'here-or-nowhere', holder: { pid, fd: 1 } }, later: 0 });
  });
});
