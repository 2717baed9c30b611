import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { Writable } from 'node:stream';
import { post, type Client, type Stage } from './stage.js';
import { UPLOAD_BYTES } from './upload.js';

/** Has one bad route, POST /items/:id: it neither reads its body nor answers. */
export function leakyApp(options: FastifyServerOptions = {}): FastifyInstance {
  const app = Fastify({ bodyLimit: 1e9, ...options }) as unknown as FastifyInstance;
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  return app;
}

export function addLeakyRoute(app: FastifyInstance): void {
  app.post('/items/:id', () => new Promise(() => {}));
}

/** One client that makes the bad route leak its socket. */
export function leakOnce(stage: Stage, port: number, path = '/items/7?token=secret', host?: string): Promise<Client> {
  return stage.visit(port, post(path, UPLOAD_BYTES), host);
}

/** A log that keeps its lines, parsed. */
export class LineLog extends Writable {
  readonly lines: any[] = [];
  #rest = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const parts = (this.#rest + chunk.toString()).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) this.lines.push(JSON.parse(part));
    done();
  }
}
