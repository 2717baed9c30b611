// node bench/routes.mjs [first seed]    what the look-up of a route costs, over 200 tables of routes with paths of 16 kB
import Fastify from 'fastify';
import { FastifyRouteFinder } from '../dist/frameworks/fastify/route-finder.js';
import { machineLine } from './machine.mjs';
import { declare, requestsOf, tableOf } from './route-tables.mjs';
import { quantile } from './stats.mjs';

const TABLES = 200;
const first = Number(process.argv[2] ?? 1);
const ours = [];
const theirs = [];

/** The best of a few, in ms: the machine does other things too. */
function best(lookUp) {
  const times = Array.from({ length: 10 }, () => {
    const start = performance.now();
    lookUp();
    return performance.now() - start;
  });
  return Math.min(...times);
}

for (let seed = first; seed < first + TABLES; seed++) {
  const table = tableOf(seed);
  const app = Fastify(table.options);
  declare(app, table.routes);
  await app.ready();
  const finder = new FastifyRouteFinder(app);
  for (const request of requestsOf(table, 10, 16_000)) {
    ours.push(best(() => finder.find(request)));
    theirs.push(best(() => app.findRoute({ ...request, constraints: {} })));
  }
}
for (const [what, times] of Object.entries({ 'a look-up of ours': ours, "the router's own": theirs })) {
  const [median, p99, worst] = [0.5, 0.99, 1].map((q) => quantile(times, q).toFixed(2));
  console.log(
    `${what.padEnd(18)} median ${median} ms, 99 % ${p99} ms, worst ${worst} ms (${times.length} paths of 16 kB)`,
  );
}
console.log(machineLine());
