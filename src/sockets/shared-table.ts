import type { NativeBinding } from '../kernel/native.js';
import { SocketTable } from './socket-table.js';

let shared: { readonly table: SocketTable; users: number } | undefined;

/**
 * The thread's socket table, opened with its first guard and closed with its last: several guards in one process cost one
 * watch, not several.
 * @throws Error CWG_ERR_SYSCALL when the watch cannot be opened.
 */
export function acquireTable(binding: NativeBinding, nowMs: number): { table: SocketTable; release: () => void } {
  shared ??= { table: new SocketTable(binding, nowMs), users: 0 };
  const mine = shared;
  mine.users++;
  let released = false;
  return {
    table: mine.table,
    release: () => {
      if (released) return;
      released = true;
      if (--mine.users > 0) return;
      mine.table.close();
      shared = undefined;
    },
  };
}
