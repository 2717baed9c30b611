/**
 * What the adapters for test runners share. A test that leaves a leaked socket behind fails, and so does only that test: a
 * leak is charged once.
 *
 * Sockets are sampled when the test function has ended, whatever its outcome, and before any `afterEach` hook: closing the
 * server there destroys the evidence. For the same reason a leak of a server that the test function itself closes cannot be
 * found. A half-closed socket gets a second and a half to be closed, so a test that leaks takes that much longer. What a test
 * is failed for is closed then, since a server that waits for its requests would keep the hook that closes it waiting; so is
 * what the test is allowed to leak, once it has stood still for as long.
 *
 * What was half-closed before a test began is not charged to it. Of tests that run concurrently, the one that made the leak
 * is charged: it opened the connection or sent the last request over it, or else started the server that accepted it. Where
 * neither is known (a client in another process and a server of the file) it is the first one that ends while the leak is
 * there. What a test leaks after its end fails the file, and names the test. A leak made by a hook of the whole file is
 * charged to nobody. A test that has failed by itself keeps its own error, and the leak comes after it.
 *
 * An adapter for another runner is one file beside this one, which makes a {@link Runner}, tells it of every test and exports
 * its two functions, and one entry point in src/ that re-exports it.
 */
import type { GuardError } from '../../base/errors.js';
import type { LeakReport } from '../../leaks/report.js';
import type { AllowedLeaks, LeakCheckOptions } from '../check/options.js';
import { LeakSession, type TestRun } from '../check/session.js';

export type { AllowedLeaks, LeakCheckOptions } from '../check/options.js';

// A type with a call signature: what an editor shows at a call is the comment on the signature.
/* eslint-disable @typescript-eslint/prefer-function-type */
export interface AllowLeaks {
  /**
   * Lets the calling test leak on purpose: everything, the leaks with these ids, or those the function says true for.
   * Call it in the test, or in a hook that runs for it alone.
   * @throws GuardError CWG_ERR_ARGUMENT, also while no test runs
   */
  (which?: AllowedLeaks): void;
}

export interface ConfigureLeakCheck {
  /**
   * Sets how the end of each test is checked, from now on to the end of this file; in a setup file, for every file. What is
   * not given stays as it is.
   * @throws GuardError CWG_ERR_OPTION
   */
  (options: LeakCheckOptions): void;
}
/* eslint-enable @typescript-eslint/prefer-function-type */

/** The tests of one file. `Test` is what the runner has for a test: the key by which an adapter speaks of it. */
export class Runner<Test extends object> {
  readonly allowLeaks: AllowLeaks = (which) => {
    this.#session.allow(which);
  };
  readonly configureLeakCheck: ConfigureLeakCheck = (options) => {
    this.#session.configure(options);
  };
  readonly #runs = new WeakMap<Test, TestRun>();
  #opened: LeakSession | undefined;

  /** From now on every socket is known with its origin. Without it that begins with the first test. */
  open(): this {
    this.#opened ??= new LeakSession();
    return this;
  }

  /** A test begins, or its next try: before its own `beforeEach` hooks, if the runner lets us. */
  begin(test: Test, name: string): void {
    this.#runs.set(test, this.#session.begin(name));
  }

  /** It has begun and was not checked yet. */
  has(test: Test): boolean {
    return this.#runs.has(test);
  }

  /** Calls `body`, and what it starts belongs to the test. */
  run<T>(test: Test, body: () => T): T {
    const run = this.#runs.get(test);
    return run ? this.#session.run(run, body) : body();
  }

  /** What is run on this diagnostics channel in a store of its own belongs to the test that is `current` then. */
  bind(channel: string, current: () => Test | undefined): void {
    this.#session.bind(channel, () => {
      const test = current();
      return test && this.#runs.get(test);
    });
  }

  /**
   * Checks a test that has ended, once, and before anything closes its servers. `failures` are those that it already has.
   * Returns what to fail it with.
   */
  async check(test: Test, failures?: readonly unknown[]): Promise<GuardError | undefined> {
    const run = this.#runs.get(test);
    this.#runs.delete(test);
    return run && (await this.#session.check(run, failures));
  }

  /**
   * Runs a test function and checks it. Throws the test's own failure or else its leaks; of a test that has both, `both` says
   * what is thrown.
   */
  async runAndCheck(
    test: Test,
    body: () => unknown,
    both: (failure: unknown, leaks: GuardError) => unknown,
  ): Promise<void> {
    try {
      await this.run(test, body);
    } catch (failure) {
      const leaks = await this.check(test, [failure]);
      throw leaks ? both(failure, leaks) : failure;
    }
    const leaks = await this.check(test);
    if (leaks) throw leaks;
  }

  /** It will not be checked: it was skipped, or never reached its end. */
  abandon(test: Test): void {
    const run = this.#runs.get(test);
    if (run) this.#session.abandon(run);
  }

  /** A matcher has spoken of these leaks: no test fails for them a second time. */
  account(leaks: readonly LeakReport[]): void {
    this.#session.account(leaks);
  }

  /** The last test of the file is over. Throws what was leaked by tests after their own end. */
  end(): void {
    this.#session.close();
    const late = this.#session.lateLeaks();
    if (late) throw late;
  }

  get #session(): LeakSession {
    return (this.#opened ??= new LeakSession());
  }
}
