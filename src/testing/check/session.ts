import { AsyncLocalStorage } from 'node:async_hooks';
import { channel as channelNamed } from 'node:diagnostics_channel';
import { GuardError } from '../../base/errors.js';
import { createObserver } from '../../guard/observer.js';
import type { LeakReport } from '../../leaks/report.js';
import { Attribution } from './attribution.js';
import { closeReported } from './close.js';
import { leakMessage, type LeakedSocketsError } from './failure.js';
import { NO_TIMEOUT_MS, search } from './find.js';
import {
  resolveAllowed,
  resolveCheckOptions,
  type AllowedLeaks,
  type LeakCheckOptions,
  type ResolvedCheckOptions,
} from './options.js';

/** One try of one test. */
export interface TestRun {
  readonly name: string;
  /** It has been checked. */
  readonly ended: boolean;
}

interface Run extends TestRun {
  ended: boolean;
  /** What was half-closed when it began. */
  readonly before: ReadonlySet<string>;
  readonly allowed: ((leak: LeakReport) => boolean)[];
  /** Leaks that it has been told of before it was checked, by a matcher or an assertion of its own. */
  readonly told: LeakReport[];
}

/**
 * What the adapters for test runners share: from the beginning to the end of a file's tests, whose leak is whose.
 *
 * A leak is charged once, to the test that is known to have made it (see {@link Attribution}), at the end of that test. If
 * nothing is known, it is charged to the first test that ends while the leak is there and was not when that test began. A
 * leak that a test makes after it was checked is no other test's: it fails the file, in {@link lateLeaks}.
 */
export class LeakSession {
  readonly #storage = new AsyncLocalStorage<Run>();
  readonly #attribution = new Attribution<Run>(() => this.#storage.getStore());
  // Follows every socket from now on, so that a leak has its route, its age, and where and for which request it was opened.
  readonly #observer = createObserver({
    closeWaitTimeout: NO_TIMEOUT_MS,
    sampleInterval: 0,
    traceRequests: true,
    captureStacks: true,
  });
  readonly #running = new Set<Run>();
  /** Leaks that a test has failed for, or that a matcher has reported. */
  readonly #charged = new Set<string>();
  readonly #late: { readonly test: Run; readonly leak: LeakReport }[] = [];
  #options: ResolvedCheckOptions = resolveCheckOptions({});

  /** A try of a test begins: what is half-closed by now is not its leak. */
  begin(name: string): TestRun {
    const run: Run = {
      name,
      ended: false,
      before: new Set(this.#observer.sockets().map(({ id }) => id)),
      allowed: [],
      told: [],
    };
    this.#running.add(run);
    return run;
  }

  /** Calls `body`, and what it starts belongs to the test. */
  run<T>(test: TestRun, body: () => T): T {
    return this.#storage.run(test as Run, body);
  }

  /** The same for what is run on a diagnostics channel in a store of its own. */
  bind(channel: string, current: () => TestRun | undefined): void {
    channelNamed(channel).bindStore(this.#storage, () => {
      const run = current() as Run | undefined;
      return run ?? this.#storage.getStore()!;
    });
  }

  /** It ended without a check: it was skipped, or never reached its end. */
  abandon(test: TestRun): void {
    this.#running.delete(test as Run);
  }

  /**
   * Checks a test that has ended, once, before anything closes its servers. `failures` are those it already has: leaks that
   * it failed for by itself, with assertNoLeakedSockets(), are accounted for. Returns what to fail it with.
   *
   * What has been reported is closed then: the hooks that come after it close the server, which would wait for these sockets.
   */
  async check(test: TestRun, failures: readonly unknown[] = []): Promise<GuardError | undefined> {
    const run = test as Run;
    if (run.ended || !this.#running.has(run)) return undefined;
    for (const failure of failures) this.#account(leaksOf(failure), run);
    const found = await search(this.#observer, { ...this.#options, isIgnored: (leak) => !this.#concerns(leak, run) });
    run.ended = true;
    this.#running.delete(run);
    // Another test's check may have ended meanwhile.
    const leaks = found.filter(({ id }) => !this.#charged.has(id));
    for (const { id } of leaks) this.#charged.add(id);
    closeReported(this.#observer, [...leaks, ...run.told]);
    if (run.allowed.length > 0) void this.#closeAllowed(run).catch(() => undefined);
    const own: LeakReport[] = [];
    for (const leak of leaks) {
      const owner = this.#attribution.ownerOf(leak);
      if (owner === undefined || owner === run) own.push(leak);
      else this.#late.push({ test: owner, leak });
    }
    return own.length === 0 ? undefined : failure(own, (count) => `This test left ${count} behind`);
  }

  /** What tests leaked after their end, as far as a later test's check found it: nobody has failed for it yet. */
  lateLeaks(): GuardError | undefined {
    const late = this.#late.splice(0);
    if (late.length === 0) return undefined;
    const names = [...new Set(late.map(({ test }) => JSON.stringify(test.name)))].join(', ');
    return failure(
      late.map(({ leak }) => leak),
      (count) => `What was started in ${names} left ${count} behind after the test had ended`,
    );
  }

  /** These leaks have been reported to the user: no test is failed for them any more. */
  account(leaks: readonly LeakReport[]): void {
    this.#account(leaks, this.#calling());
  }

  /** Lets the calling test leak: allowLeaks() of the runners. */
  allow(which: AllowedLeaks | undefined): void {
    const isAllowed = resolveAllowed(which);
    const run = this.#calling();
    if (run === undefined || run.ended) {
      throw new GuardError(
        'CWG_ERR_ARGUMENT',
        `close-wait-guard: allowLeaks() was called ${this.#running.size > 0 ? 'where it cannot tell which of the running tests calls' : 'while no test runs'}; call it in a test, or use configureLeakCheck({ ignore }) for all tests of a file`,
      );
    }
    run.allowed.push(isAllowed);
  }

  configure(options: LeakCheckOptions): void {
    this.#options = resolveCheckOptions(options, this.#options);
  }

  close(): void {
    this.#attribution.close();
    this.#observer.close();
    this.#storage.disable();
  }

  /** The test that calls, as far as that can be told. */
  #calling(): Run | undefined {
    const [only, ...others] = this.#running;
    return this.#storage.getStore() ?? (others.length === 0 ? only : undefined);
  }

  #account(leaks: readonly LeakReport[], run: Run | undefined): void {
    for (const { id } of leaks) this.#charged.add(id);
    run?.told.push(...leaks);
  }

  /**
   * What the test is allowed to leak would keep its server from closing, too. It is closed when it has stood still for the time
   * that a leak has; beside the hooks that come after the test, as a server that closes at once need not wait for that. What
   * comes later is another test's.
   */
  async #closeAllowed(run: Run): Promise<void> {
    const there = new Set(this.#observer.sockets().map(({ id }) => id));
    const isIgnored = (leak: LeakReport): boolean => !there.has(leak.id) || !this.#isAllowedTo(leak, run);
    closeReported(this.#observer, await search(this.#observer, { ...this.#options, isIgnored }));
  }

  #isAllowedTo(leak: LeakReport, run: Run): boolean {
    if (this.#charged.has(leak.id) || this.#options.isIgnored(leak) || !run.allowed.some((is) => is(leak)))
      return false;
    const owner = this.#attribution.ownerOf(leak);
    return owner === undefined ? !run.before.has(leak.id) : owner === run;
  }

  /** Whether a half-closed socket counts when this test is checked. */
  #concerns(leak: LeakReport, run: Run): boolean {
    if (this.#charged.has(leak.id) || this.#options.isIgnored(leak)) return false;
    const owner = this.#attribution.ownerOf(leak);
    if (owner?.allowed.some((isAllowed) => isAllowed(leak))) return false;
    // Another test's that still runs is charged when that one ends.
    if (owner !== undefined) return owner === run || owner.ended;
    return !run.before.has(leak.id) && !run.allowed.some((isAllowed) => isAllowed(leak));
  }
}

function failure(leaks: readonly LeakReport[], what: (count: string) => string): GuardError {
  // Without the reports: vitest would print all of them again, below the message that is made of them.
  const error = new GuardError('CWG_ERR_LEAKED_SOCKETS', leakMessage(leaks, what));
  // Its frames would be this library's and the runner's; the test's name says where.
  error.stack = `${error.name}: ${error.message}`;
  return error;
}

function leaksOf(failure: unknown): readonly LeakReport[] {
  const { code, leaks } = (failure ?? {}) as Partial<LeakedSocketsError>;
  return code === 'CWG_ERR_LEAKED_SOCKETS' && leaks ? leaks : [];
}
