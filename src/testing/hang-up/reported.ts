import type { Server } from 'node:net';
import { clearInterval, setInterval } from 'node:timers';

/** How often a server is asked whether it still listens, ms: there is no event for the call of close(), only for its end. */
const INTERVAL_MS = 20;
// Taken when this module loads: test runners replace timers by fake ones.
const every = setInterval;
const cancel = clearInterval;

const reported = new Map<Server, (() => void)[]>();
let timer: NodeJS.Timeout | undefined;

/** Ends a reported leak once its server has been told to close, which would wait for it for ever. */
export function endWithServer(server: Server, end: () => void): void {
  const ends = reported.get(server);
  if (ends) ends.push(end);
  else reported.set(server, [end]);
  timer ??= every(endOfClosed, INTERVAL_MS).unref();
}

function endOfClosed(): void {
  for (const [server, ends] of reported) {
    if (server.listening) continue;
    reported.delete(server);
    for (const end of ends) end();
  }
  if (reported.size > 0) return;
  cancel(timer);
  timer = undefined;
}
