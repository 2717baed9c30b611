import { AsyncLocalStorage } from 'node:async_hooks';
import { pathToFileURL } from 'node:url';
import { fact } from '../base/fact.js';
import packageFolder from '../base/package-folder.cjs';
import { shared } from '../base/shared-state.js';
import type { Origin, RequestNotes } from './notes.js';
import { activeSpan } from './spans.js';

/**
 * Follows an inbound request into what its handler sends out, so that an unread upstream response can name the route that
 * asked for it. Off until a guard asks for it: before Node 24 an AsyncLocalStorage costs every promise of the process.
 */
const tracing = shared('tracing', () => ({
  storage: undefined as AsyncLocalStorage<RequestNotes> | undefined,
  tracers: 0,
  stackTakers: 0,
}));

/** Returns its dispose function. */
export function traceRequests(): () => void {
  const state = tracing();
  state.storage ??= new AsyncLocalStorage();
  state.tracers++;
  return once(() => {
    if (--state.tracers > 0) return;
    state.storage?.disable();
    state.storage = undefined;
  });
}

/** Returns its dispose function. */
export function takeStacks(): () => void {
  const state = tracing();
  state.stackTakers++;
  return once(() => {
    state.stackTakers--;
  });
}

/** Whether requests are followed, so that their notes are held by more than their socket. */
export function isTracing(): boolean {
  return tracing().storage !== undefined;
}

/** From here on, what this turn of the event loop starts belongs to `request`. */
export function enterRequest(request: RequestNotes): void {
  tracing().storage?.enterWith(request);
}

/** The request that what is started now belongs to. */
export function enteredRequest(): RequestNotes | undefined {
  return tracing().storage?.getStore();
}

/** Takes enterRequest() back, for the rest of this turn: what was started meanwhile keeps its request. */
export function leaveRequest(before: RequestNotes | undefined): void {
  tracing().storage?.enterWith(before!);
}

/** Where the call that is being made now comes from; undefined when nobody wants to know. */
export function currentOrigin(): Origin | undefined {
  const { storage, stackTakers } = tracing();
  const requestedBy = storage?.getStore();
  const stack = stackTakers > 0 ? fact(applicationStack, undefined) : undefined;
  const span = fact(activeSpan, undefined);
  return requestedBy || stack !== undefined || span ? { requestedBy, stack, span } : undefined;
}

const MAX_FRAMES = 10;

/** The stack without Node's, node_modules' and this library's frames; undefined when none is left (fetch has none). */
function applicationStack(): string | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = limit;
  const ours = ownFiles();
  const frames = stack
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter(
      (line) =>
        line.startsWith('at ') &&
        /[/\\]/.test(line) &&
        !/node:|[/\\]node_modules[/\\]/.test(line) &&
        !ours.some((folder) => line.includes(folder)),
    );
  return frames.length === 0 ? undefined : frames.slice(0, MAX_FRAMES).join('\n');
}

/**
 * This library's folders: frames name the compiled files or, where source maps are applied, the sources; by URL or by path.
 * None where it is bundled: its frames then look like the application's, in one file with them.
 */
function ownFiles(): readonly string[] {
  if (own === undefined) {
    const root = packageFolder();
    const folders = root === undefined ? [] : [`${root}/src/`, `${root}/dist/`];
    own = folders.flatMap((folder) => [folder, pathToFileURL(folder).href]);
  }
  return own;
}
let own: readonly string[] | undefined;

function once(dispose: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    dispose();
  };
}
