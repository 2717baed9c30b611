import { SimulatedBinding } from './binding.mjs';
import { checkDiagnosis } from './facts.mjs';
import { Bench, SimulatedGuard } from './guard.mjs';
import { STEP } from './history.mjs';
import { Kernel } from './kernel.mjs';
import { Referee } from './referee.mjs';
import { NO_TRANSFERS, serverOnPort, SimulatedTable } from './table.mjs';

const NO_FAULTS = { note: () => {} };
/** What is still to be heard of is heard in so many quiet samples. */
const QUIET_SAMPLES = 2;

/** Plays histories against one build of the library. */
export class Simulation {
  /** Of all histories so far. */
  counts = { histories: 0, steps: 0, samples: 0, leaks: 0 };
  #bench;
  #library;
  #binding;
  #reader;

  constructor(library) {
    this.#library = library;
    this.#bench = new Bench(library);
    this.#binding = new SimulatedBinding(library.RECORD_FIELDS);
    this.#reader = new library.SuspectReader(this.#binding, NO_FAULTS, serverOnPort, NO_TRANSFERS);
  }

  /**
   * Plays one history.
   * @param say hears of each step, in words @returns the Violation, or what was thrown; undefined where all held
   */
  play(history, say) {
    const kernel = new Kernel();
    this.#binding.kernel = kernel;
    const table = new SimulatedTable(this.#library, kernel, history.isDeep ? this.#reader : undefined);
    const referee = new Referee(kernel, history, table);
    table.onMark = (cookie) => referee.marked(cookie);
    const guards = [];
    try {
      for (let index = 0; index < history.guards; index++) {
        const guard = new SimulatedGuard(this.#bench, this.#binding, kernel, table, history, index, referee);
        guards.push(guard);
        this.#library.openReporter(guard.reporter);
      }
      for (let index = 0; index < history.length; index++) this.#step(history, index, kernel, guards, say);
      for (let i = 0; i < QUIET_SAMPLES; i++) this.#tick(kernel, history, guards, say);
      for (const guard of guards) guard.goOn();
      for (const guard of guards) referee.end(guard);
      checkDiagnosis(this.#library, history.facts, history.moreFacts);
      return undefined;
    } catch (error) {
      return error;
    } finally {
      for (const { reporter } of guards) this.#library.closeReporter(reporter);
      this.counts.histories++;
      this.counts.steps += history.length;
      this.counts.leaks += referee.leaks;
    }
  }

  #step(history, index, kernel, guards, say) {
    const { steps, intervalMs } = history;
    const [code, slot, amount] = [steps[index * 3], steps[index * 3 + 1], steps[index * 3 + 2]];
    say?.(`${kernel.nowMs.toFixed(0)} ms: ${history.say(index)}`, kernel);
    switch (code) {
      case STEP.tick:
        return this.#tick(kernel, history, guards);
      case STEP.lateTick:
        // Partly other work, partly waiting.
        kernel.pass(intervalMs * (2 + (amount & 3)), (intervalMs * (amount >>> 2)) / 64);
        return this.#tick(kernel, history, guards);
      case STEP.demand:
        this.counts.samples++;
        guards[0].sampleAll();
        return undefined;
      case STEP.block:
        kernel.pass(intervalMs * (1 + (amount & 7)), 0);
        return undefined;
      default:
        kernel.pass((intervalMs * (amount & 7)) / 64);
        kernel.step(code, slot, amount);
        for (const guard of guards) if (guard.isWaiting) guard.goOn();
    }
  }

  #tick(kernel, { intervalMs }, guards) {
    for (const guard of guards) guard.goOn();
    kernel.pass(intervalMs);
    for (const guard of guards) guard.sampleOnTimer();
    this.counts.samples += guards.length;
  }
}
