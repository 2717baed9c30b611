// This build against another one (the dist/ of an older checkout), in one run: a timed sample over healthy sockets, and a
// request to a Fastify server that has the plugin. Below 1 this build is the cheaper one.
import { runPair } from './request-cost.mjs';
import { fixed, range, table } from './render.mjs';
import { runTrial, sizesWithin } from './sample.mjs';
import { median, medianInterval, shuffled } from './stats.mjs';

const SAMPLE_PAIRS = 5;
const REQUEST_PAIRS = 12;

export async function measureAgainst({ dist, quick, say }) {
  const rows = [];
  for (const sockets of sizesWithin().sizes) {
    rows.push(
      await pairs(
        `a sample over ${sockets.toLocaleString('en-US')} healthy sockets`,
        quick ? 2 : SAMPLE_PAIRS,
        say,
        sampleRatio,
      ),
    );
    async function sampleRatio() {
      const took = {};
      for (const [build, folder] of shuffled([
        ['this', undefined],
        ['that', dist],
      ])) {
        const { times } = await runTrial({ sockets, leaks: 0, rounds: 2, ways: 'timed', dist: folder });
        took[build] = median(times.timed);
      }
      return took.this / took.that;
    }
  }
  rows.push(
    await pairs('CPU time of a request, with the plugin', quick ? 2 : REQUEST_PAIRS, say, async () => {
      const { guarded, plain } = await runPair({ kind: 'plugin' }, { kind: 'plugin', dist }, 'keep-alive');
      return median(guarded.map(({ cpuMicros }, slice) => cpuMicros / plain[slice].cpuMicros));
    }),
  );
  return rows;
}

async function pairs(what, count, say, ratioOfOne) {
  const ratios = [];
  for (let pair = 1; pair <= count; pair++) {
    ratios.push(await ratioOfOne());
    say(`  ${what}, pair ${pair} of ${count}: x ${fixed(ratios.at(-1), 3)}`);
  }
  return { what, count, median: median(ratios), ...medianInterval(ratios) };
}

export function renderAgainst(rows) {
  return table(
    ['this build / the other', 'ratio', 'pairs'],
    rows.map(({ what, count, median: middle, low, high }) => [
      what,
      `${fixed(middle, 3)} (${range(fixed(low, 3), fixed(high, 3))})`,
      `${count}`,
    ]),
  );
}
