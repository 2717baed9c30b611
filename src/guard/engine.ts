import { monotonicMs } from '../base/clock.js';
import { isSwitchedOff } from '../base/environment.js';
import { otherVersionInUse } from '../base/shared-state.js';
import { loadBinding } from '../kernel/loader.js';
import type { NativeBinding } from '../kernel/native.js';
import { unsupportedReason } from '../kernel/self-check.js';
import { acquireTable } from '../sockets/shared-table.js';
import type { SocketTable } from '../sockets/socket-table.js';
import { warnOfEnvironment } from './environment.js';
import type { Sampler } from './sampler.js';
import { warnFailure } from './warnings.js';

/** What a guard has where the addon runs, until it is closed. */
export interface Engine {
  readonly binding: NativeBinding;
  readonly table: SocketTable;
  readonly sampler: Sampler;
  readonly release: () => void;
}

type Opened =
  | ({ readonly reason: undefined } & Omit<Engine, 'sampler'>)
  /** Why no socket is watched here. `wanted`: somebody turned it off, and need not be told. */
  | { readonly reason: string; readonly wanted: boolean };

export function openTable(): Opened {
  if (isSwitchedOff()) return { reason: 'it is turned off by CLOSE_WAIT_GUARD', wanted: true };
  warnOfEnvironment();
  const other = otherVersionInUse();
  if (other !== undefined) return { reason: other, wanted: false };
  const loaded = loadBinding();
  if (!loaded.binding) return { reason: loaded.reason, wanted: false };
  try {
    const reason = unsupportedReason(loaded.binding);
    if (reason !== undefined) return { reason, wanted: false };
    return { reason: undefined, binding: loaded.binding, ...acquireTable(loaded.binding, monotonicMs(), warnFailure) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { reason: `its half-close watch could not be opened (${message})`, wanted: false };
  }
}
