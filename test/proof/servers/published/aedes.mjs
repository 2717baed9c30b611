// MQTT: CONNECT, SUBSCRIBE, PUBLISH, and a packet that announces more than it has.
const string = (text) => Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text)]);
const packet = (type, ...parts) => {
  const rest = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([type, rest.length]), rest]);
};

const connect = packet(0x10, string('MQTT'), Buffer.from([4, 2, 0, 60]), string(''));
const subscribe = packet(0x82, Buffer.from([0, 1]), string('proof'), Buffer.from([0]));
const publish = packet(0x30, string('proof'), Buffer.from('hello'));
const ping = packet(0xc0);
const large = Buffer.concat([Buffer.from([0x30, 0x80, 0x80, 0x80, 0x02]), string('proof'), Buffer.alloc(300_000)]);

export default {
  packages: ['aedes@1'],
  mode: 'as an MQTT broker',
  app: 'aedes.mjs',
  requests: [{ name: 'MQTT', steps: [connect, subscribe, publish, ping, large], goodbye: packet(0xe0) }],
};
