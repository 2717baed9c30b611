import path from 'node:path';
import { isRecord } from '../../base/objects.js';
import type { Beat, Counts, VisitOptions } from '../inside/visit.js';
import { CommandError } from '../frame/errors.js';
import type { Session } from './session.js';
import { insideFile } from './target.js';

/** How long the event loop of the target may take to come to a turn, ms. */
const TURN_MS = 15_000;

/** A visit in one thread of the target, as it looks from outside. */
export class Visitor {
  readonly #session: Session;
  readonly #object: string;

  /** @throws CommandError where no guard can work there; nothing is left behind then */
  static async enter(session: Session, options: VisitOptions): Promise<Visitor> {
    const result = await session.call(
      'Runtime.evaluate',
      { expression: expressionOf(options), awaitPromise: true, returnByValue: false },
      TURN_MS,
    );
    const { objectId } = remoteObjectIn(result);
    if (typeof objectId !== 'string') throw new CommandError('the target did not take the guard');
    return new Visitor(session, objectId);
  }

  private constructor(session: Session, object: string) {
    this.#session = session;
    this.#object = object;
  }

  async beat(): Promise<Beat> {
    return (await this.#ask('beat', true)) as unknown as Beat;
  }

  async counts(): Promise<Counts> {
    return (await this.#ask('counts', true)) as unknown as Counts;
  }

  /** The target takes everything back, and closes the way in. Never rejects: where it is gone, there is nothing to take back. */
  async end(): Promise<void> {
    await this.#ask('end', false).catch(() => undefined);
  }

  async #ask(method: string, wantsValue: boolean): Promise<Record<string, unknown>> {
    const result = await this.#session.call(
      'Runtime.callFunctionOn',
      {
        objectId: this.#object,
        functionDeclaration: inTurn(`() => this.${method}()`),
        awaitPromise: true,
        returnByValue: true,
      },
      TURN_MS,
    );
    const { value } = remoteObjectIn(result);
    if (isRecord(value)) return value;
    if (wantsValue) throw new CommandError('the target answered with something else than was asked for');
    return {};
  }
}

/** A turn of the event loop is waited for: an inspector evaluates in the middle of a running function, too. */
function inTurn(work: string): string {
  return `function () {
    return new Promise((resolve, reject) => (process.getBuiltinModule?.('node:timers') ?? globalThis).setImmediate(() => {
      try { resolve((${work})()); } catch (error) { reject(error); }
    }));
  }`;
}

/** Loads this package by its own path, whatever the application is: a module of either kind, a bundle, without node_modules. */
function expressionOf(options: VisitOptions): string {
  const file = JSON.stringify(insideFile());
  const folder = JSON.stringify(path.join(insideFile(), '..', '..', '..') + path.sep);
  const work = `() => {
    if (typeof process.getBuiltinModule !== 'function') throw new Error('it is Node.js ' + process.version + ', and 20.19 is the first that a guard works in');
    const require = process.getBuiltinModule('node:module').createRequire(${file});
    const keepModules = Object.keys(require.cache).some((each) => each.startsWith(${folder}));
    return require(${file}).enter({ ...${JSON.stringify(options)}, keepModules });
  }`;
  return `(${inTurn(work)})()`;
}

/** @throws CommandError with what the target threw, in one line */
function remoteObjectIn(result: Record<string, unknown>): Record<string, unknown> {
  const { exceptionDetails } = result;
  if (isRecord(exceptionDetails)) {
    const { exception, text } = exceptionDetails;
    const thrown = isRecord(exception) ? (exception.description ?? exception.value) : text;
    const [line = ''] = String(thrown).split('\n');
    throw new CommandError(`no guard works in it: ${line.replace(/^Error: /, '')}`);
  }
  return isRecord(result.result) ? result.result : {};
}
