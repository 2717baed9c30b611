import { JSON_BODY, get, post } from '../requests.mjs';

const posts = Array.from({ length: 20_000 }, (_, id) => ({
  id,
  title: 'a title of a post that is long enough '.repeat(10),
}));

export default {
  packages: ['json-server@0.17'],
  files: { 'db.json': JSON.stringify({ posts, notes: [{ id: 1, name: 'first' }] }) },
  start: ({ port, bin }) => [bin('json-server'), '--port', String(port), '--host', '127.0.0.1', '--quiet', 'db.json'],
  requests: [get('/notes'), get('/posts/7'), get('/posts', { large: true }), post('/notes', JSON_BODY)],
  routeOf: ({ path }) => path.split('?')[0].replace('/posts/7', '/posts/:id'),
};
