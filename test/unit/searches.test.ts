import { describe, expect, it } from 'vitest';
import { Searches } from '../../src/sockets/searches.js';

const TIME_OUT = 60_000;
const INTERVAL = 1_000;

/** Samples a second apart, with the kernel's numbers as the test says. */
class Plans {
  readonly numbers = { fds: 40, windows: 7 };
  readonly #searches = new Searches({ openFds: () => this.numbers.fds, closedWindows: () => this.numbers.windows }, 0);
  nowMs = 0;
  /** How many samples asked for a plan: where it is known before that nothing is due, none is made. */
  plans = 0;

  /** How many sockets were visited in each sample, and in which of them the fd table was walked; one step is a lap of it. */
  take(samples: number, watchedCount: number, how: { readonly hasUnwatched?: boolean } = {}) {
    const taken = { sweeps: [] as number[], walks: [] as number[] };
    for (let i = 0; i < samples; i++) {
      this.nowMs += INTERVAL;
      if (how.hasUnwatched !== true && this.nowMs < this.#searches.quietUntilMs(TIME_OUT, watchedCount)) {
        taken.sweeps.push(0);
        continue;
      }
      this.plans++;
      const now = { nowMs: this.nowMs, timeOutMs: TIME_OUT, watchedCount, onDemand: false };
      const { sweep, walk } = this.#searches.plan({ ...now, hasUnwatched: how.hasUnwatched ?? false });
      taken.sweeps.push(sweep);
      if (walk) {
        taken.walks.push(i);
        this.#searches.walked(this.nowMs);
      }
    }
    return taken;
  }

  /** Past the laps of the beginning. */
  static settled(watchedCount: number): Plans {
    const plans = new Plans();
    plans.take(120, watchedCount);
    return plans;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

describe('while nothing moves', () => {
  it.each([1, 40, 1_000, 9_000, 18_000])('each of %i sockets is visited once in every time-out', (watched) => {
    const plans = Plans.settled(watched);
    for (let timeOut = 0; timeOut < 5; timeOut++) {
      const { sweeps } = plans.take(TIME_OUT / INTERVAL, watched);
      expect(sum(sweeps)).toBeGreaterThanOrEqual(watched);
      expect(sum(sweeps)).toBeLessThan(watched * 2.3 + 6);
    }
  });

  it('most samples visit nothing, also of many sockets', () => {
    for (const watched of [1_000, 9_000, 18_000]) {
      const { sweeps, walks } = Plans.settled(watched).take(60, watched);
      expect(sweeps.filter((sweep) => sweep === 0).length).toBeGreaterThan(30);
      expect(walks.length).toBeLessThanOrEqual(2);
    }
  });

  it('most samples need no plan', () => {
    for (const watched of [1, 1_000, 9_000, 18_000]) {
      const plans = Plans.settled(watched);
      plans.plans = 0;
      plans.take(600, watched);
      expect(plans.plans).toBeLessThan(300);
    }
  });

  it('the fd table is walked once in every time-out', () => {
    const plans = Plans.settled(40);
    for (let timeOut = 0; timeOut < 5; timeOut++)
      expect(plans.take(TIME_OUT / INTERVAL, 40).walks.length).toBeGreaterThan(0);
  });
});

describe('when a number moves', () => {
  it('that of open fds: both laps are made within a quarter of a time-out', () => {
    const plans = Plans.settled(600);
    plans.numbers.fds++;
    const { sweeps, walks } = plans.take(15, 600);
    expect(sum(sweeps)).toBeGreaterThanOrEqual(600);
    expect(walks.length).toBeGreaterThan(0);
  });

  it('that of closed windows: the watched sockets are visited, and the fd table is not', () => {
    const plans = Plans.settled(600);
    const before = plans.take(8, 600);
    plans.numbers.windows++;
    const { sweeps, walks } = plans.take(15, 600);
    expect(sum(sweeps)).toBeGreaterThanOrEqual(600);
    expect(walks.length + before.walks.length).toBeLessThanOrEqual(1);
  });

  it('all the time: a lap over 18,000 sockets takes half a time-out', () => {
    const plans = Plans.settled(18_000);
    let visited = 0;
    for (let i = 0; i < 38; i++) {
      plans.numbers.windows++;
      visited += sum(plans.take(1, 18_000).sweeps);
    }
    expect(visited).toBeGreaterThanOrEqual(18_000);
  });
});

describe('a number that the kernel does not tell', () => {
  it.each(['fds', 'windows'] as const)('%s: there is a lap after each time that it was asked for', (name) => {
    const plans = Plans.settled(600);
    plans.numbers[name] = -1;
    for (let i = 0; i < 4; i++) expect(sum(plans.take(16, 600).sweeps)).toBeGreaterThanOrEqual(600);
  });
});

it('sockets that are not on the watch are visited in each sample', () => {
  const { sweeps } = Plans.settled(600).take(10, 600, { hasUnwatched: true });
  expect(sweeps.every((sweep) => sweep >= 256)).toBe(true);
});
