// The moments at which a client leaves a server. `named` says whether the server knows a request by then, so that a report has
// to name it; `causes` are those that can be true of a socket left there. A cause that is not among them is counted as wrong.
import { BINARY, CLOSE, NORMAL_CLOSURE, PING, TEXT, UPGRADE, body, frame, head, typeOf, whole } from './wire.mjs';

const BODY = ['request-body-not-read', 'request-body-abandoned'];
const RESPONSE = ['write-stalled', 'response-not-ended'];
const UPGRADED = ['never-read', 'paused', 'half-open-not-ended', 'write-stalled'];
const RAW = ['never-read', 'paused', 'half-open-not-ended', 'write-stalled'];

const withBody = (request, length) => head(request, { ...typeOf(request), 'Content-Length': length });
const upgrade = (request, headers = {}) => head({ ...request, method: 'GET' }, { ...UPGRADE, ...headers });

const ANY = [
  { name: 'before a byte', reach: async () => {} },
  {
    name: 'mid-request-line',
    reach: (client, request) => client.send(head(request).slice(0, request.method.length + 3)),
  },
  { name: 'mid-headers', reach: (client, request) => client.send(head(request).slice(0, -6)) },
  { name: 'after the request', named: true, causes: RESPONSE, reach: (client, request) => client.send(whole(request)) },
  {
    name: 'response unread',
    named: true,
    causes: RESPONSE,
    async reach(client, request) {
      await client.send(whole(request));
      await new Promise((resolve) => setTimeout(resolve, 400));
    },
  },
  {
    name: 'mid-response',
    named: true,
    causes: RESPONSE,
    async reach(client, request) {
      await client.send(whole(request));
      await client.receive({ bytes: 1 });
    },
  },
  {
    name: 'keep-alive idle',
    named: true,
    causes: RESPONSE,
    async reach(client, request) {
      await client.send(whole(request));
      await client.receive({ patienceMs: 300 });
    },
  },
  {
    name: 'pipelined',
    named: true,
    causes: [...RESPONSE, 'pipelined-behind-pending-response'],
    reach: (client, request) => client.send(whole(request).repeat(request.large ? 3 : 30)),
  },
  // Not HTTP at all: Node hands the socket to 'clientError'.
  { name: 'no HTTP', causes: RAW, reach: (client) => client.send(Buffer.alloc(300_000, '\0no HTTP\r\n')) },
  {
    name: 'CONNECT',
    causes: RAW,
    named: true,
    request: { method: 'CONNECT', path: 'proof.test:80' },
    async reach(client) {
      await client.send('CONNECT proof.test:80 HTTP/1.1\r\nHost: proof.test:80\r\n\r\n');
      await client.send(Buffer.alloc(300_000, 'c'));
    },
  },
];

const WITH_BODY = [
  { name: 'mid-body, no byte of it', reach: (client, request) => client.send(withBody(request, 1000)) },
  {
    name: 'mid-body, small',
    async reach(client, request) {
      await client.send(withBody(request, 1000));
      await client.send(body(request, 999));
    },
  },
  {
    name: 'mid-body, large',
    async reach(client, request) {
      await client.send(withBody(request, 5_000_000));
      await client.send(body(request, 4_000_000));
    },
  },
  {
    name: 'mid-body, chunked',
    async reach(client, request) {
      await client.send(head(request, { ...typeOf(request), 'Transfer-Encoding': 'chunked' }));
      await client.send(`100000\r\n${body(request, 300_000)}`);
    },
  },
  {
    name: 'large body, whole',
    async reach(client, request) {
      await client.send(withBody(request, 400_000));
      await client.send(body(request, 400_000));
    },
  },
].map((moment) => ({ named: true, causes: [...BODY, ...RESPONSE], ...moment }));

const UPGRADES = [
  { name: 'during an upgrade', reach: (client, request) => client.send(upgrade(request)) },
  { name: 'after an upgrade', reach: (client, request) => upgraded(client, request) },
  {
    name: 'after an upgrade, frames',
    async reach(client, request) {
      await upgraded(client, request);
      for (let i = 0; i < 40; i++) await client.send(frame(TEXT, request.message ?? 'm'.repeat(20_000)));
    },
  },
  {
    name: 'after an upgrade, mid-frame',
    async reach(client, request) {
      await upgraded(client, request);
      await client.send(frame(BINARY, Buffer.alloc(2_000_000)).subarray(0, 1_500_000));
    },
  },
  {
    name: 'after an upgrade, close frame',
    async reach(client, request) {
      await upgraded(client, request);
      await client.send(frame(PING));
      await client.send(frame(CLOSE, NORMAL_CLOSURE));
    },
  },
  {
    name: 'upgrade without a key',
    reach: (client, request) => refused(client, upgrade(request, { 'Sec-WebSocket-Key': '' })),
  },
  {
    name: 'upgrade to something else',
    reach: (client, request) => refused(client, upgrade(request, { Upgrade: 'proof' })),
  },
  {
    name: 'upgrade of no route',
    request: { method: 'GET', path: '/no/such/socket' },
    reach: (client) => refused(client, upgrade({ path: '/no/such/socket' })),
  },
].map((moment) => ({ named: true, causes: UPGRADED, ...moment }));

async function upgraded(client, request) {
  await client.send(upgrade(request));
  await client.receive({ text: '\r\n\r\n' });
}

/** Goes on sending, as a client does that takes the upgrade for granted. */
async function refused(client, request) {
  await client.send(request);
  await client.send(Buffer.alloc(300_000, 'u'));
}

/** Each moment of a request: an HTTP one, an upgrade, or a script of a raw protocol. */
export function momentsOf(request) {
  if (request.steps !== undefined) return rawMoments(request.steps);
  if (request.upgrade) return UPGRADES;
  return request.takesBody ? [...ANY, ...WITH_BODY] : ANY;
}

/** `steps`: what a client says, one after the other; an answer is awaited between two of them. */
function rawMoments(steps) {
  return [0, ...steps.keys()].map((step, index) => ({
    name: index === 0 ? 'before a byte' : `after step ${step + 1}`,
    causes: RAW,
    async reach(client) {
      for (const bytes of index === 0 ? [] : steps.slice(0, step + 1)) {
        await client.receive({ bytes: client.count + 1, patienceMs: 300 });
        await client.send(bytes);
      }
    },
  }));
}

/** Silence differs from a FIN only where there is a response that is not read. */
export function waysAt(moment, ways) {
  const answered = moment.causes !== undefined;
  return ways.filter((how) => how !== 'silence' || answered);
}
