import { shared } from '../base/shared-state.js';
import type { NativeBinding } from '../kernel/native.js';
import { SocketTable } from './socket-table.js';

const thread = shared('table', () => ({
  open: undefined as { readonly table: SocketTable; users: number } | undefined,
}));

/**
 * The thread's socket table, opened with its first guard and closed with its last: several guards in one process cost one
 * watch, not several.
 * @throws Error CWG_ERR_SYSCALL when the watch cannot be opened.
 */
export function acquireTable(binding: NativeBinding, nowMs: number): { table: SocketTable; release: () => void } {
  const state = thread();
  state.open ??= { table: new SocketTable(binding, nowMs), users: 0 };
  const mine = state.open;
  mine.users++;
  let released = false;
  return {
    table: mine.table,
    release: () => {
      if (released) return;
      released = true;
      if (--mine.users > 0) return;
      mine.table.close();
      state.open = undefined;
    },
  };
}
