import { monotonicMs } from '../base/clock.js';
import { isSwitchedOff } from '../base/environment.js';
import { otherVersionInUse } from '../base/shared-state.js';
import { loadBinding } from '../kernel/loader.js';
import type { NativeBinding } from '../kernel/native.js';
import { unsupportedReason } from '../kernel/self-check.js';
import { acquireTable } from '../sockets/shared-table.js';
import type { SocketTable } from '../sockets/socket-table.js';
import { warnOfEnvironment } from './environment.js';
import { warnFailure } from './warnings.js';

/** The socket table of this thread and the addon it reads with, for one guard until it calls `release`. */
export interface OpenTable {
  readonly binding: NativeBinding;
  readonly table: SocketTable;
  readonly release: () => void;
}

/** Why no socket is watched here. */
export interface NotOpened {
  readonly reason: string;
  /** Somebody turned it off, and need not be told. */
  readonly wanted: boolean;
}

/** Opens the table, or says why that cannot be done. Never throws. */
export function openTable(): OpenTable | NotOpened {
  if (isSwitchedOff()) return { reason: 'it is turned off by CLOSE_WAIT_GUARD', wanted: true };
  warnOfEnvironment();
  const other = otherVersionInUse();
  if (other !== undefined) return { reason: other, wanted: false };
  const loaded = loadBinding();
  if (!loaded.binding) return { reason: loaded.reason, wanted: false };
  try {
    const reason = unsupportedReason(loaded.binding);
    if (reason !== undefined) return { reason, wanted: false };
    return { binding: loaded.binding, ...acquireTable(loaded.binding, monotonicMs(), warnFailure) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { reason: `its half-close watch could not be opened (${message})`, wanted: false };
  }
}
