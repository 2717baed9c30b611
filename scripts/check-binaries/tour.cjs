'use strict';
// Runs in each Node.js that there is for a binary: `node tour.cjs PACKAGE` makes real sockets, asks the addon and a guard of them, and
// prints one JSON value. What is expected of each runtime is in runtimes.mjs.
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const folder = process.argv.find((each) => path.basename(each) === 'close-wait-guard');
const { createGuard } = require(folder);
const { findLeak } = require('../../test/fixtures/install/find-leak.cjs');

const until = async (condition) => {
  for (const deadline = Date.now() + 10_000; !condition() && Date.now() < deadline;)
    await new Promise((done) => setTimeout(done, 10));
};

/** The outcome of a call in a word: what it returned, or the error's code and message. */
function outcome(call) {
  try {
    return call();
  } catch (error) {
    return `${error.code}: ${error.message}`;
  }
}

async function askAddon(addon) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.resume()).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  let accepted;
  server.once('connection', (socket) => (accepted = socket));
  const client = net.connect(server.address().port, '127.0.0.1');
  client.end('x');
  await until(() => accepted?.readableEnded);
  const fd = accepted._handle.fd;
  const [values, cookies] = [new Float64Array(addon.recordFields.length), new BigUint64Array(1)];
  const read = outcome(() => addon.readSockets(Int32Array.of(fd), 1, values, cookies));
  const row = Object.fromEntries(addon.recordFields.map((name, i) => [name, values[i]]));
  const endpoints = new Uint8Array(addon.endpointBytes);
  addon.readEndpoints(Int32Array.of(fd), 1, endpoints);
  const port = endpoints[addon.endpointOffsets.localPort] | (endpoints[addon.endpointOffsets.localPort + 1] << 8);
  const [fds, seen] = [new Int32Array(64), new BigUint64Array(64)];
  const listed = Array.from(fds.subarray(0, addon.listTcpFds(0, addon.fdTableSize(), fds, seen)));
  const dumped = outcome(() =>
    addon.dumpSockets(
      1 << 8,
      Uint16Array.of(port),
      new Float64Array(64 * addon.dumpFields.length),
      new BigUint64Array(64),
    ),
  );
  const [events, watch] = [new Uint32Array(8), outcome(() => new addon.HalfCloseWatch())];
  const errnos = new Int32Array(1);
  const added = outcome(() => watch.add(Int32Array.of(fd), 1, cookies, errnos));
  const drained = outcome(() => watch.drain(new BigUint64Array(8), events));
  // What the C library makes of a text of its own, and what of an error: each has its own form of strerror_r.
  const address = addon.formatAddress(endpoints, addon.endpointOffsets.localAddress, 4);
  const file = path.join(folder, 'package.json');
  const opened = fs.openSync(file);
  const notSocket = addon.abortOnClose(opened, cookies);
  fs.closeSync(opened);
  const refused = outcome(() => addon.readSockets(Int32Array.of(1), 2, values, cookies));
  watch.close?.();
  const closed = outcome(() => watch.drain(new BigUint64Array(8), events));
  accepted.destroy();
  client.destroy();
  server.close();
  return {
    read,
    state: row.state,
    infoErrno: row.infoErrno,
    port: port === server.address()?.port || port > 0,
    address,
    listed: listed.includes(fd),
    dumped,
    added,
    drained: drained === 1 && (events[0] & 0x2000) !== 0,
    notSocket,
    refused,
    closed,
    kernel: addon.checkKernel(),
  };
}

(async () => {
  const found = await findLeak(createGuard);
  const loaded = fs
    .readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .map((line) => line.replace(/^.* (?=\/)/, ''))
    .filter((file) => file.endsWith('.node'));
  const module = { exports: {} };
  process.dlopen(module, loaded[0]);
  const addon = module.exports;
  const asked = await askAddon(addon);
  console.log(
    JSON.stringify({
      node: process.version,
      arch: process.arch,
      cLibrary: addon.cLibrary,
      loaded: Array.from(new Set(loaded), (file) => path.basename(file)),
      found,
      asked,
    }),
  );
})();
