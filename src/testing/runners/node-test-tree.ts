import { executionAsyncResource } from 'node:async_hooks';

/** What node:test keeps of a test or suite; undocumented, the same from Node 20 to 26. */
interface Node {
  fn?: unknown;
  readonly subtests?: readonly Node[];
}

type Body = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Called in a root hook: puts `wrap` around the function of every test that is known by now, once. A hook of node:test
 * runs in the async scope of its own node, whose parent, for a root hook, is the root of all tests.
 *
 * It is the only way to be told of a test's end before its afterEach hooks: those of the root run last. Where a future Node
 * keeps its tests elsewhere, none is found, and the root hooks are left.
 */
export function wrapTestFunctions(wrap: (body: Body) => Body): void {
  const { parentTest: root } = executionAsyncResource() as { parentTest?: Node };
  if (root) wrapBelow(root, wrap);
}

const wrapped = new WeakSet<Body>();

function wrapBelow({ subtests }: Node, wrap: (body: Body) => Body): void {
  if (!Array.isArray(subtests)) return;
  for (const node of subtests as Node[]) {
    wrapBelow(node, wrap);
    const body = node.fn;
    if (typeof body !== 'function' || wrapped.has(body as Body)) continue;
    const outer = wrap(body as Body);
    // node:test passes a callback to a function that declares a second parameter.
    Object.defineProperty(outer, 'length', { value: body.length });
    wrapped.add(outer);
    node.fn = outer;
  }
}
