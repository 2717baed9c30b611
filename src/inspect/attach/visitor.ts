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
    return (await this.#ask('beat')) as unknown as Beat;
  }

  async counts(): Promise<Counts> {
    return (await this.#ask('counts')) as unknown as Counts;
  }

  /**
   * Finds the TLSSockets above suspects that no property leads to. V8 keeps them in the scope of a function that Node puts on the
   * handle below, and a debugger sees scopes. Where it is otherwise, such a leak's cause is less exact.
   */
  async findHiddenTls(): Promise<void> {
    const { objectId: list } = await this.#call('hiddenTls');
    for (const getter of await this.#membersOf(list)) {
      for (const scope of await this.#scopesOf(getter)) {
        for (const objectId of await this.#membersOf(scope, 'socket')) await this.#call('noteTls', [{ objectId }]);
      }
    }
  }

  /** The target takes everything back, and closes the way in. Never rejects: where it is gone, there is nothing to take back. */
  async end(withinMs = TURN_MS): Promise<void> {
    await this.#call('end', [], true, withinMs).catch(() => undefined);
  }

  async #ask(method: string): Promise<Record<string, unknown>> {
    const { value } = await this.#call(method, [], true);
    if (isRecord(value)) return value;
    throw new CommandError('the target answered with something else than was asked for');
  }

  async #call(
    method: string,
    args: readonly { readonly objectId: string }[] = [],
    returnByValue = false,
    timeoutMs = TURN_MS,
  ): Promise<Record<string, unknown>> {
    const result = await this.#session.call(
      'Runtime.callFunctionOn',
      {
        objectId: this.#object,
        functionDeclaration: inTurn(`() => this.${method}(...args)`),
        arguments: args,
        awaitPromise: true,
        returnByValue,
      },
      timeoutMs,
    );
    return remoteObjectIn(result);
  }

  /** The objects that an object has as its own properties, or the one of that name. */
  async #membersOf(objectId: unknown, name?: string): Promise<string[]> {
    if (typeof objectId !== 'string') return [];
    const { result } = await this.#session.call('Runtime.getProperties', { objectId, ownProperties: true });
    return objectsIn(result, name === undefined ? (each) => /^\d+$/.test(each) : (each) => each === name);
  }

  async #scopesOf(objectId: string): Promise<string[]> {
    const { internalProperties } = await this.#session.call('Runtime.getProperties', { objectId, ownProperties: true });
    const [scopes] = objectsIn(internalProperties, (name) => name === '[[Scopes]]');
    return this.#membersOf(scopes);
  }
}

function objectsIn(properties: unknown, fits: (name: string) => boolean): string[] {
  if (!Array.isArray(properties)) return [];
  return properties.flatMap((property: unknown) => {
    if (!isRecord(property) || typeof property.name !== 'string' || !fits(property.name)) return [];
    const id = isRecord(property.value) ? property.value.objectId : undefined;
    return typeof id === 'string' ? [id] : [];
  });
}

/** A turn of the event loop is waited for: an inspector evaluates in the middle of a running function, too. */
function inTurn(work: string): string {
  return `function (...args) {
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
