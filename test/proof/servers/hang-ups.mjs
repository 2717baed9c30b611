// Leaves a server at every moment of every request in every way.
import { Client, WAYS } from './client.mjs';
import { momentsOf, waysAt } from './moments.mjs';

/** So many connections are open at a time. */
const BATCH = 60;

/** @returns what was done, by the client's port: `{ request, moment, how, client }` */
export async function hangUps(port, requests) {
  const plan = requests.flatMap((request) =>
    momentsOf(request).flatMap((moment) => waysAt(moment, WAYS).map((how) => ({ request, moment, how }))),
  );
  const done = new Map();
  let refused = 0;
  for (let at = 0; at < plan.length; at += BATCH) {
    const batch = await Promise.all(
      plan.slice(at, at + BATCH).map(async (run) => {
        try {
          const client = await Client.connect(port);
          done.set(client.port, { ...run, client });
          await run.moment.reach(client, run.request);
          return { client, how: run.how };
        } catch {
          // The server is gone, or its accept queue is full.
          refused += 1;
          return undefined;
        }
      }),
    );
    for (const run of batch) run?.client.leave(run.how);
  }
  return { done, refused };
}
