import { describe, it } from 'vitest';
import type { Guard } from '../../src/guard/guard.js';
import type { LeakReport } from '../../src/leaks/report.js';
import { expectLeak, expectReclaim, expectSilence } from './scenario-verdicts.js';
import { stageOfEachTest, type Stage } from './stage.js';

/** What a scenario has set up. */
export interface Scene {
  /** Local port of the socket in question when it is inbound, remote port when it is outbound. */
  readonly port: number;
  /** The guard that must find it, when it is not the one the harness made. */
  readonly guard?: Guard;
  /** Ends the leak as its owner would; without it the reported socket is destroyed. */
  readonly release?: () => void;
  /** Bytes that were sent and that the application has not taken. */
  readonly unread?: number;
  /** What the application holds of a socket that is reclaimed, by name: each must hear 'close'. */
  readonly closing?: Readonly<Record<string, Closing>>;
  /** Where the application listens for errors of a socket that is reclaimed; each must get the coded one. */
  readonly errors?: Readonly<Record<string, readonly unknown[]>>;
}

/** Whether 'close' was heard. */
export interface Closing {
  heard: boolean;
}

export type Verdict =
  /** Found once, true to the kernel, released once; the report says this beside the facts that the kernel is asked for. */
  | { readonly leak: Partial<LeakReport> }
  /** Never called a leak. In the end its sockets are all closed, or open and well. */
  | { readonly silent: 'closed' | 'open' }
  /** Reported once and destroyed at once; everybody concerned hears of it, and it is counted. */
  | { readonly reclaimed: Partial<LeakReport> };

export interface Scenario {
  readonly name: string;
  /**
   * Plays it on real sockets: to the point where the peer has closed, or, where silence is expected, to its own end. Returns
   * what it has set up; the port alone where there is nothing else to say.
   */
  readonly play: (stage: Stage, guard: Guard) => Promise<Scene | number>;
  readonly expect: Verdict;
  /** Long enough for what the scenario takes its time for. @default that of QUICK */
  readonly closeWaitTimeout?: number;
}

/** One test for each. */
export function testScenarios(scenarios: readonly Scenario[]): void {
  const stage = stageOfEachTest();
  for (const scenario of scenarios) {
    it(scenario.name, async () => {
      const { expect } = scenario;
      if ('leak' in expect) await expectLeak(stage, scenario, expect.leak);
      else if ('silent' in expect) await expectSilence(stage, scenario, expect.silent);
      else await expectReclaim(stage, scenario, expect.reclaimed);
    });
  }
}

/** The same code, written badly and written well. */
export interface Pair {
  readonly name: string;
  readonly play: (stage: Stage, well: boolean) => Promise<Scene | number>;
  /** What is reported of the bad one; undefined where it does not leak either way. */
  readonly leak: Partial<LeakReport> | undefined;
}

/** Two scenarios for each: the bad one leaks, the good one is silent and closed. */
export function testPairs(pairs: readonly Pair[]): void {
  describe('a leak', () => {
    testScenarios(
      pairs.flatMap(({ name, play, leak }) =>
        leak ? [{ name, play: (stage: Stage) => play(stage, false), expect: { leak } }] : [],
      ),
    );
  });
  describe('no leak', () => {
    testScenarios(
      pairs.map(({ name, play }) => ({
        name: `${name}, done well`,
        play: (stage) => play(stage, true),
        expect: { silent: 'closed' },
      })),
    );
  });
}
