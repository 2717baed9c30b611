import { shared } from '../base/shared-state.js';
import type { NativeBinding } from '../kernel/native.js';
import { SocketTable, type TableOperation } from './socket-table.js';

const thread = shared('table', () => ({
  open: undefined as { readonly table: SocketTable; users: number } | undefined,
}));

/**
 * The thread's socket table, opened with its first guard and closed with its last: several guards in one process cost one
 * watch, not several. `say` is to say once that an operation fails.
 */
export function acquireTable(
  binding: NativeBinding,
  nowMs: number,
  say: (operation: TableOperation, why: unknown) => void,
): { table: SocketTable; release: () => void } {
  const state = thread();
  state.open ??= { table: new SocketTable(binding, nowMs, say), users: 0 };
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
