import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { kernelRow } from '../../support/kernel-view.js';
import { root } from '../../support/programs.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { closeWaitGuard, Target } from './targets.js';

const stage = stageOfEachTest();

/** The output that docs/inspect.md shows behind a command, up to the end of the block. */
function shown(command: string): string {
  const page = readFileSync(path.join(root, 'docs/inspect.md'), 'utf8');
  const block = page.split('```').find((each) => each.includes(`$ npx close-wait-guard ${command}`));
  return block?.slice(block.indexOf('\n', block.indexOf('$ npx')) + 1) ?? '';
}

/** Numbers, units of time and the widths of columns differ from run to run. */
const shapeOf = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .map((line) =>
      line
        .replace(/\d[\d.,]*( (ms|s|min|h)\b)?/g, '#')
        .replace(/\s+/g, ' ')
        .trim(),
    );

it('docs/inspect.md shows what the command prints', async () => {
  const target = await Target.start(stage, 'c', 'hhhh');
  const unread = await target.connect();
  unread.say('POST /photos');
  await unread.halfClose();
  const bare = await target.connect();
  await bare.halfClose();
  const reset = await target.connect();
  reset.say('1');
  await until('the byte to arrive', () => kernelRow(target.port, reset.port)?.receiveQueue === 1);
  await reset.reset();
  await target.connect();
  const { stdout } = closeWaitGuard(['inspect', String(target.pid)]);
  if (process.env.CWG_PRINT === '1') console.log(stdout);
  const text = stdout.replace(/\d+ of [\d,]+ fds open: .*\n?.*\.$/m, '# of # fds open.');
  expect(shapeOf(text)).toEqual(
    shapeOf(shown('inspect 4242').replace(/\d+ of [\d,]+ fds open: .*\n?.*\.$/m, '# of # fds open.')),
  );
}, 60_000);
