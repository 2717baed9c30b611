/**
 * node:http without what its ES module does: an import of it reads every export, WebSocket among them, and for that one Node
 * (22 and later) loads its own undici, which makes itself the dispatcher of all fetches. An undici of the application, loaded
 * afterwards, would send its requests through Node's.
 */
export const {
  Server: HttpServer,
  createServer: createHttpServer,
  METHODS: HTTP_METHODS,
  get: httpGet,
} = process.getBuiltinModule('node:http');
/** The class's type: a constant is none. */
export type HttpServer = InstanceType<typeof HttpServer>;
