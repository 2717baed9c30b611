import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';

const apollo = new ApolloServer({
  typeDefs: 'type Query { hello: String }',
  resolvers: { Query: { hello: () => 'hello' } },
});
await apollo.start();
const app = express();
const authenticate = (req, res, next) => {
  // The fix goes here.
};
app.use('/graphql', authenticate, express.json(), expressMiddleware(apollo));
const server = app.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
