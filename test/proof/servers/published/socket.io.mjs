import { get, post, upgrade } from '../requests.mjs';

export default {
  packages: ['socket.io@4'],
  app: 'socket.io.mjs',
  requests: [
    get('/socket.io/?EIO=4&transport=polling'),
    post('/socket.io/?EIO=4&transport=polling', { type: 'text/plain', begins: '40' }),
    upgrade('/socket.io/?EIO=4&transport=websocket', { message: '40' }),
    get('/'),
  ],
};
