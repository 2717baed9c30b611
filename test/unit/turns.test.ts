import { setImmediate } from 'node:timers';
import { expect, it } from 'vitest';
import { inTurns } from '../../src/base/turns.js';

function busyFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

function* steps(count: number, ms: number, did: (step: number) => void): Generator<void, string> {
  for (let step = 0; step < count; step++) {
    busyFor(ms);
    did(step);
    yield;
  }
  return 'done';
}

it('leaves the event loop to others between the steps of long work', async () => {
  const order: string[] = [];
  const others = (): void => {
    order.push('other');
    if (order.filter((each) => each === 'other').length < 3) setImmediate(others);
  };
  setImmediate(others);
  await expect(inTurns(steps(4, 3, (step) => order.push(`step ${step}`)))).resolves.toBe('done');
  expect(order).toEqual(['step 0', 'other', 'step 1', 'other', 'step 2', 'other', 'step 3']);
});

it('does short work in one turn', async () => {
  let turned = false;
  const immediate = setImmediate(() => (turned = true));
  await inTurns(steps(20, 0, () => {}));
  expect(turned).toBe(false);
  clearImmediate(immediate);
});

it('rejects with what the work throws', async () => {
  const failing = steps(3, 3, (step) => {
    if (step === 1) throw new Error('in the second turn');
  });
  await expect(inTurns(failing)).rejects.toThrow('in the second turn');
});
