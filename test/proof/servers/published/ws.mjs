import { get, upgrade } from '../requests.mjs';

export default {
  packages: ['ws@8'],
  app: 'ws.mjs',
  requests: [upgrade('/echo', { message: 'hello '.repeat(1000) }), get('/')],
};
