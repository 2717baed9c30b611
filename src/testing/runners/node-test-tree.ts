import { executionAsyncResource } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';

/** What node:test keeps of a test or suite; undocumented, the same from Node 20 to 26. */
interface Node {
  fn?: unknown;
  readonly subtests?: readonly Node[];
}

type Body = (this: unknown, ...args: unknown[]) => unknown;
type Wrap = (body: Body) => Body;

/** Published since Node 24 in the test's own async scope, before its function is called (nodejs.org/api/test.html, "Tracing events"). */
export const TEST_STARTS = 'tracing:node.test:start';

/**
 * Puts `wrap` around the function of each test, which is the only way to be told of a test's end before its afterEach hooks:
 * those of the root run last, and the channel's own end comes after them. Where a future Node keeps its tests elsewhere,
 * none is found, and the root hooks are left.
 */
export class TestFunctions {
  readonly #wrap: Wrap;
  readonly #wrapped = new WeakSet<Body>();
  #announced = false;

  constructor(wrap: Wrap) {
    this.#wrap = wrap;
    subscribe(TEST_STARTS, () => {
      this.#announced = true;
      this.#take(executionAsyncResource());
    });
  }

  /**
   * Called in a root hook, for what no channel announces: takes every test that is known by now. A hook of node:test runs in the
   * async scope of its own node, whose parent, for a root hook, is the root of all tests.
   */
  takeKnown(): void {
    if (this.#announced) return;
    const { parentTest: root } = executionAsyncResource() as { parentTest?: Node };
    if (root) this.#takeBelow(root);
  }

  #takeBelow({ subtests }: Node): void {
    if (!Array.isArray(subtests)) return;
    for (const node of subtests as Node[]) {
      this.#takeBelow(node);
      this.#take(node);
    }
  }

  #take(node: Node): void {
    const body = node.fn;
    if (typeof body !== 'function' || this.#wrapped.has(body as Body)) return;
    const outer = this.#wrap(body as Body);
    // node:test passes a callback to a function that declares a second parameter.
    Object.defineProperty(outer, 'length', { value: body.length });
    this.#wrapped.add(outer);
    node.fn = outer;
  }
}
