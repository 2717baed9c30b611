import { createRequire } from 'node:module';
import path from 'node:path';
import packageFolder from '../../base/package-folder.cjs';
import { unsupportedRuntime } from '../../kernel/runtime.js';
import { Visit, type VisitOptions } from './visit.js';

// What the command has evaluated in the process that it looks into (docs/command.md): the CommonJS form of this file is loaded there.

/** What the expression that is evaluated passes. */
export interface EnterOptions extends VisitOptions {
  /** The application has loaded this very package itself: its modules stay. */
  readonly keepModules: boolean;
}

let visit: Visit | undefined;

/**
 * Begins a visit.
 * @throws Error where no guard can work here, or another visitor is there; then nothing is left behind
 */
export function enter(options: EnterOptions): Visit {
  if (visit) throw new Error('another close-wait-guard is looking into this process at this moment');
  const onEnd = (): void => {
    visit = undefined;
    if (!options.keepModules) forgetModules();
  };
  const otherRuntime = unsupportedRuntime();
  if (otherRuntime !== undefined) throw new Error(otherRuntime);
  try {
    visit = new Visit(options, onEnd);
    return visit;
  } catch (error) {
    onEnd();
    throw error;
  }
}

/** The addon stays mapped: Node unloads none. */
function forgetModules(): void {
  const folder = packageFolder();
  if (folder === undefined) return;
  const ours = path.join(folder, 'dist', 'cjs') + path.sep;
  const { cache } = createRequire(ours);
  for (const file of Object.keys(cache)) if (file.startsWith(ours)) Reflect.deleteProperty(cache, file);
}
