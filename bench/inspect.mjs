// What `inspect` costs beside lsof, on one process with many sockets: the whole command, from its start to its end, and the look alone.
//
//   node bench/inspect.mjs [--sockets 9000] [--rounds 7] [--json]
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machineLine } from './machine.mjs';
import { median, quantile, shuffled } from './stats.mjs';

const SELF = fileURLToPath(import.meta.url);
const CLI = path.join(import.meta.dirname, '../dist/cli.js');

/** Node reads NODE_EXTRA_CA_CERTS at its start, before it knows what it is started for: that can take longer than all the rest. */
const ENVIRONMENT = { ...process.env };
delete ENVIRONMENT.NODE_EXTRA_CA_CERTS;

/** The first look of a fresh process, as the command takes it, and what its start has loaded before that. */
const LOOK_ALONE = `
const { bindingHere } = await import('${new URL('../dist/inspect/processes/report.js', import.meta.url)}');
const { takeLook } = await import('${new URL('../dist/inspect/processes/look.js', import.meta.url)}');
const { identifyProcess } = await import('${new URL('../dist/inspect/processes/identity.js', import.meta.url)}');
const binding = bindingHere();
const started = performance.now();
takeLook(binding, identifyProcess(Number(process.argv[1])), { all: false });
console.log(performance.now() - started);`;

/** @returns milliseconds of each way, one value a round, measured in turn; lsof's is undefined where there is none */
export async function measureInspect({ sockets, rounds, say = () => {} }) {
  const held = await hold(sockets);
  const pid = String(held.target.pid);
  const ways = {
    look: () => Number(run(process.execPath, ['--input-type=module', '-e', LOOK_ALONE, pid])),
    command: () => timed(process.execPath, [CLI, 'inspect', pid, '--timeout', '0']),
    node: () => timed(process.execPath, ['-e', '0']),
    ...(spawnSync('lsof', ['-v']).error ? {} : { lsof: () => timed('lsof', ['-nP', '-p', pid]) }),
  };
  const times = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const way of shuffled(Object.keys(ways))) {
        const ms = ways[way]();
        // The first round fills the kernel's caches.
        if (round > 0) times[way].push(ms);
      }
      if (round > 0)
        say(
          Object.entries(times)
            .map(([way, all]) => `${way} ${all.at(-1).toFixed(1)} ms`)
            .join(', '),
        );
    }
  } finally {
    held.end();
  }
  return times;
}

function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    env: ENVIRONMENT,
    maxBuffer: 2 ** 28,
  });
  // 1 is what inspect ends with when there are leaks, as there are.
  if (error || (status !== 0 && status !== 1)) throw new Error(`${program}: ${error?.message ?? stderr}`);
  return stdout;
}

function timed(program, args) {
  const started = performance.now();
  run(program, args);
  return performance.now() - started;
}

/** A process with so many connections, one in a hundred of them half-closed; their other ends are another's. */
async function hold(sockets) {
  const target = fork(SELF, ['target', String(sockets)]);
  const [port] = await once(target, 'message');
  const clients = fork(SELF, ['clients', String(sockets), String(port)]);
  await once(target, 'message');
  return {
    target,
    end: () => {
      for (const child of [target, clients]) child.kill('SIGKILL');
    },
  };
}

function serve(sockets) {
  let left = sockets;
  const kept = [];
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    kept.push(socket.on('error', () => {}));
    if (--left === 0) process.send('all');
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => process.send(server.address().port));
}

async function connect(sockets, port) {
  const kept = [];
  for (let i = 0; i < sockets; i++) {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    if (i % 100 === 0) socket.end();
    kept.push(socket);
  }
}

async function main() {
  const { values } = parseArgs({
    options: { sockets: { type: 'string' }, rounds: { type: 'string' }, json: { type: 'boolean' } },
  });
  const [sockets, rounds] = [Number(values.sockets ?? 9000), Number(values.rounds ?? 7)];
  const times = await measureInspect({ sockets, rounds, say: (line) => console.error(`  ${line}`) });
  if (values.json) return console.log(JSON.stringify(times));
  console.log(machineLine());
  for (const [way, all] of Object.entries(times)) {
    const ratio = times.lsof ? `, lsof takes ${(median(times.lsof) / median(all)).toFixed(1)} times as long` : '';
    const range = `${quantile(all, 0.25).toFixed(1)} to ${quantile(all, 0.75).toFixed(1)}`;
    console.log(`${way.padEnd(8)} ${median(all).toFixed(1)} ms (quartiles ${range})${ratio}`);
  }
}

const [role, ...rest] = process.argv.slice(2);
if (role === 'target') serve(Number(rest[0]));
else if (role === 'clients') await connect(Number(rest[0]), Number(rest[1]));
else if (process.argv[1] === SELF) await main();
