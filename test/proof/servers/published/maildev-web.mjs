import { JSON_BODY, get, post, upgrade } from '../requests.mjs';

export default {
  packages: ['maildev@3'],
  mode: 'web',
  start: ({ port, sparePort, bin }) => [
    bin('maildev'),
    '--web',
    String(port),
    '--ip',
    '127.0.0.1',
    '--web-ip',
    '127.0.0.1',
    '--smtp',
    String(sparePort),
  ],
  requests: [
    get('/'),
    get('/email'),
    post('/email', JSON_BODY),
    upgrade('/socket.io/?EIO=4&transport=websocket', { message: '40' }),
  ],
};
