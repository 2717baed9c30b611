import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { createSchema, createYoga } from 'graphql-yoga';

const schema = createSchema({
  typeDefs: 'type Query { hello: String large: String } type Subscription { ticks: Int }',
  resolvers: {
    Query: { hello: () => 'hello', large: () => 'l'.repeat(24_000_000) },
    Subscription: {
      ticks: {
        async *subscribe() {
          for (let ticks = 0; ticks < 4; ticks++) {
            await pause(1200);
            yield { ticks };
          }
        },
      },
    },
  },
});
http.createServer(createYoga({ schema, logging: false })).listen(Number(process.env.PORT), '127.0.0.1');
