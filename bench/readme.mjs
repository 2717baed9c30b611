// What the README says of the cost: the figures that matter to who decides whether to run it.
import { fixed, table } from './render.mjs';

const micros = (ms) => fixed(ms * 1_000, 0);

export function readmeSection({ samples, known, own, requests, many }) {
  const healthy = samples.configurations.filter(({ leaks }) => leaks === 0);
  const timed = ({ ways }) => ways.find(({ way }) => way === 'timed');
  const [small, large] = [healthy[0], healthy.reduce((a, b) => (b.sockets > a.sockets ? b : a))];
  const beside = healthy.filter((each) => timed(each).ofSs !== undefined).at(-1);
  const name = ({ sockets }) => `${sockets.toLocaleString('en-US')} healthy sockets`;
  const ofRuns = (start) => requests.find((each) => each.name.startsWith(start));
  const ratio = ({ ofRuns: middle, cpu }) => `${fixed(middle, 3)} (${fixed(cpu.low, 3)} to ${fixed(cpu.high, 3)})`;
  const ownCost = (kind) => fixed(own.find((each) => each.kind === kind).median, 2);
  return table(
    ['what', 'costs'],
    [
      [
        `a sample over ${name(small)}, µs (99th percentile)`,
        `${micros(timed(small).median)} (${micros(timed(small).p99)})`,
      ],
      [
        `a sample over ${name(large)}, µs (99th percentile)`,
        `${micros(timed(large).median)} (${micros(timed(large).p99)})`,
      ],
      ...(beside ? [[`\`ss\` over ${name(beside)}, in samples`, fixed(timed(beside).ofSs, 0)]] : []),
      [`${known.count.toLocaleString('en-US')} known leaks, % of a core`, fixed(known.share * 100, 2)],
      [`a socket that is watched, bytes of JS`, fixed(many.bytesASocket, 0)],
      ['a keep-alive request with the plugin, µs of own CPU', ownCost('plugin')],
      ['a connection, µs of own CPU', ownCost('connection')],
      [
        'a Fastify request with the plugin, CPU against without (median of three runs)',
        ratio(ofRuns('the plugin, default')),
      ],
      ['the same of two servers without it', ratio(ofRuns('(nothing'))],
    ],
  );
}
