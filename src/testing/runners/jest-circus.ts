/**
 * What jest-circus, jest's runner since version 27, keeps of a file's tests. Undocumented, the same in 29 and 30; where it
 * is not found there is nothing to walk.
 */
export interface CircusState {
  readonly rootDescribeBlock: CircusDescribe;
  readonly currentlyRunningTest?: CircusTest | null;
}

interface CircusDescribe {
  readonly type: 'describeBlock';
  readonly name: string;
  readonly parent?: CircusDescribe;
  readonly children: readonly (CircusDescribe | CircusTest)[];
  readonly hooks: CircusHook[];
}

export interface CircusTest {
  readonly type: 'test';
  readonly name: string;
  readonly parent: CircusDescribe;
  readonly concurrent?: boolean;
  readonly errors: unknown[];
  readonly asyncError?: unknown;
  fn?: CircusBody | null;
}

interface CircusHook {
  readonly type: string;
  readonly fn: unknown;
  readonly parent: CircusDescribe;
}

export type CircusBody = (this: unknown, ...args: unknown[]) => unknown;

/** It hangs on the global object of the file's sandbox, under a symbol that only its description tells. */
export function circusStateOf(global: object): CircusState | undefined {
  const symbol = Object.getOwnPropertySymbols(global).find(({ description }) => description === 'JEST_STATE_SYMBOL');
  const state = symbol && ((global as Record<symbol, unknown>)[symbol] as { rootDescribeBlock?: { hooks?: unknown } });
  return Array.isArray(state?.rootDescribeBlock?.hooks) ? (state as CircusState) : undefined;
}

/** Puts the file's own hook `marker` in front of the hooks of each describe block, where it runs before their afterEach. */
export function hookFirst({ rootDescribeBlock }: CircusState, marker: unknown): void {
  const hook = rootDescribeBlock.hooks.find(({ fn }) => fn === marker);
  if (!hook) return;
  for (const block of describesIn(rootDescribeBlock)) {
    const at = block.hooks.indexOf(hook);
    if (at !== -1) block.hooks.splice(at, 1);
    block.hooks.unshift(hook);
  }
}

/** Puts `wrap` around the function of each test. */
export function wrapTestFunctions(
  { rootDescribeBlock }: CircusState,
  wrap: (test: CircusTest, body: CircusBody) => CircusBody,
): void {
  for (const block of describesIn(rootDescribeBlock)) {
    for (const child of block.children) {
      if (child.type !== 'test' || typeof child.fn !== 'function') continue;
      const body = child.fn;
      // jest passes a callback to a function that declares a parameter.
      child.fn = Object.defineProperty(wrap(child, body), 'length', { value: body.length });
    }
  }
}

export function nameOf(test: CircusTest): string {
  const names = [test.name];
  for (let block = test.parent; block.parent; block = block.parent) names.unshift(block.name);
  return names.join(' ');
}

function* describesIn(block: CircusDescribe): Generator<CircusDescribe> {
  yield block;
  for (const child of block.children) if (child.type === 'describeBlock') yield* describesIn(child);
}
