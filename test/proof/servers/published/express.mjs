import { FORM, JSON_BODY, get, post } from '../requests.mjs';

export default {
  packages: ['express@5', 'multer@2'],
  mode: 'with multer and mounted routers',
  app: 'express.mjs',
  requests: [
    get('/api/v1/items/7'),
    get('/large', { large: true }),
    get('/poll', { poll: true }),
    post('/api/v1/items', JSON_BODY),
    post('/upload', FORM),
    post('/ignored'),
  ],
  routeOf: ({ path }) => path.replace(/^\/api\/v1\/items\/7$/, '/api/v1/items/:id'),
};
