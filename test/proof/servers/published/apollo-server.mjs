import { get, post } from '../requests.mjs';

const query = { type: 'application/json', begins: '{"query":"{ hello }","x":"', body: '{"query":"{ hello }"}' };

export default {
  packages: ['@apollo/server@5', 'graphql@16'],
  app: 'apollo-server.mjs',
  requests: [get('/?query=%7Bhello%7D', { headers: { 'apollo-require-preflight': 'yes' } }), post('/', query)],
};
