import { setImmediate } from 'node:timers';
import { expect, it } from 'vitest';
import { inTurns } from '../../src/base/turns.js';

/** A clock that goes on with the work alone, so that a busy machine gives the same turns as an idle one. */
let clockMs = 0;
const nowMs = (): number => clockMs;

function* steps(count: number, ms: number, did: (step: number) => void): Generator<void, string> {
  for (let step = 0; step < count; step++) {
    clockMs += ms;
    did(step);
    yield;
  }
  return 'done';
}

/** Adds to `order` once a turn of the event loop, while there are turns to come. */
function othersIn(order: string[], turns: number): void {
  if (turns === 0) return;
  setImmediate(() => {
    order.push('other');
    othersIn(order, turns - 1);
  });
}

it('leaves the event loop to others between the steps of long work', async () => {
  const order: string[] = [];
  othersIn(order, 3);
  const work = steps(4, 3, (step) => order.push(`step ${step}`));
  await expect(inTurns(work, nowMs)).resolves.toBe('done');
  expect(order).toEqual(['step 0', 'other', 'step 1', 'other', 'step 2', 'other', 'step 3']);
});

it('does as many steps in a turn as 2 ms hold', async () => {
  const order: string[] = [];
  othersIn(order, 1);
  await inTurns(
    steps(5, 0.75, (step) => order.push(`step ${step}`)),
    nowMs,
  );
  expect(order).toEqual(['step 0', 'step 1', 'step 2', 'other', 'step 3', 'step 4']);
});

it('does short work in one turn', async () => {
  const order: string[] = [];
  othersIn(order, 1);
  await inTurns(
    steps(20, 0.05, () => {}),
    nowMs,
  );
  expect(order).toEqual([]);
});

it('rejects with what the work throws', async () => {
  const failing = steps(3, 3, (step) => {
    if (step === 1) throw new Error('in the second turn');
  });
  await expect(inTurns(failing, nowMs)).rejects.toThrow('in the second turn');
});

it('measures a turn by the monotonic clock where no other is given', async () => {
  const order: string[] = [];
  othersIn(order, 1);
  function* untilLeft(): Generator<void, void> {
    while (order.length === 0) yield;
  }
  await inTurns(untilLeft());
  expect(order).toEqual(['other']);
});
