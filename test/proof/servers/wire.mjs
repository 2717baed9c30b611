// HTTP/1.1 and WebSocket as bytes.
const EOL = '\r\n';

/** The head of a request. `headers` wins over what the request has. */
export function head({ method, path, headers: own = {} }, headers = {}) {
  const all = { Host: 'proof.test', 'User-Agent': 'proof', ...own, ...headers };
  return `${method} ${path} HTTP/1.1${EOL}${Object.entries(all)
    .map(([name, value]) => `${name}: ${value}${EOL}`)
    .join('')}${EOL}`;
}

/** So many bytes of a body that this server takes: it begins as the request says, and goes on with letters. */
export function body(request, size) {
  return Buffer.alloc(size, 'a').fill(request.begins ?? '', 0, Math.min(size, request.begins?.length ?? 0));
}

/** A request that is complete. */
export function whole(request) {
  if (!request.takesBody) return head(request);
  const text = request.body ?? body(request, 200).toString('latin1');
  return head(request, { ...typeOf(request), 'Content-Length': Buffer.byteLength(text) }) + text;
}

export const typeOf = ({ type }) => (type === undefined ? {} : { 'Content-Type': type });

export const UPGRADE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': Buffer.from('proof of a guard').toString('base64'),
};

/** A frame of a client. The mask is zero: it is a mask all the same. */
export function frame(opcode, payload = '') {
  const data = Buffer.from(payload);
  const size =
    data.length < 126
      ? Buffer.from([0x80 | data.length])
      : data.length < 65_536
        ? Buffer.from([0x80 | 126, data.length >> 8, data.length & 255])
        : Buffer.concat([Buffer.from([0x80 | 127, 0, 0, 0, 0]), uint32(data.length)]);
  return Buffer.concat([Buffer.from([0x80 | opcode]), size, Buffer.alloc(4), data]);
}

function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
/** The code 1000 of a close frame. */
export const NORMAL_CLOSURE = Buffer.from([3, 0xe8]);
export const PING = 9;
