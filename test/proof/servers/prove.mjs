// One published server: healthy load first, then clients that leave it, the kernel and the guard watching.
import { hangUps } from './hang-ups.mjs';
import { healthyLoad, untilResponsive, warmUp } from './healthy.mjs';
import { install, start, startUpstream, titleOf } from './launch.mjs';
import { verdict } from './verdict.mjs';
import { startWatch } from './watch.mjs';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const SETTINGS = { timeoutMs: 2000, intervalMs: 250 };

/** @returns counts and faults of one server; `keep` leaves its folder with the log and its output */
export async function prove(description, { healthyMs = 15_000, keep = false } = {}) {
  const folder = install(description);
  const upstream = await startUpstream();
  try {
    const server = await start(description, { folder, settings: SETTINGS, upstreamPort: upstream.port });
    try {
      const { counts, ...observed } = await observe(server, description.requests, healthyMs);
      const destinations = (description.destinations ?? []).map((each) => each.replace('UPSTREAM', upstream.port));
      const routeOf = description.routeOf ?? (({ path }) => path.split('?')[0]);
      const found = verdict({ ...observed, serverPort: server.port, destinations, routeOf, ...SETTINGS });
      return { title: titleOf(description, folder), died: server.died, ...counts, ...found };
    } finally {
      await server.stop({ keep });
    }
  } finally {
    upstream.stop();
  }
}

/** What clients did, what the kernel saw of it, and what the guard reported. */
async function observe(server, requests, healthyMs) {
  await warmUp(server.port, requests);
  const watch = await startWatch(server.pid);
  const load = await healthyLoad(server.port, requests, { durationMs: healthyMs });
  await pause(SETTINGS.timeoutMs + 1500);
  const healthyReports = leaksOf(server.events()).length;
  const { done, refused } = await hangUps(server.port, requests);
  try {
    // A server that is busy with what came last cannot be held to the time-out.
    await untilResponsive(server.port, requests);
    watch.settled();
    await pause(SETTINGS.timeoutMs + 4000);
    const seen = await watch.stop();
    const events = server.events();
    const reports = leaksOf(events).map((event, index) => ({
      ...event.leak,
      pid: event.pid,
      healthy: index < healthyReports,
      released: isReleased(event, events),
    }));
    return { seen, reports, done, counts: { hangUps: done.size, refused, load } };
  } finally {
    for (const { client } of done.values()) client.destroy();
  }
}

/** Whether the next event of the same socket is its release. */
function isReleased(report, events) {
  const next = events.slice(events.indexOf(report) + 1).find(({ leak }) => leak?.id === report.leak.id);
  return next?.event === 'released';
}

function leaksOf(events) {
  return events.filter(({ event }) => event === 'leak');
}
