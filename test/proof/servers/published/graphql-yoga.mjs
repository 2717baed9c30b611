import { get, post } from '../requests.mjs';

const query = { type: 'application/json', begins: '{"query":"{ hello }","x":"', body: '{"query":"{ hello }"}' };

export default {
  packages: ['graphql-yoga@5', 'graphql@16'],
  app: 'graphql-yoga.mjs',
  requests: [
    get('/graphql?query=%7Bhello%7D'),
    get('/graphql?query=%7Blarge%7D', { large: true }),
    get('/graphql?query=subscription%7Bticks%7D', { poll: true, headers: { Accept: 'text/event-stream' } }),
    post('/graphql', query),
  ],
};
