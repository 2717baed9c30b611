import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runNode } from '../../support/programs.js';

/** In the checkout, so that its packages are found. */
const scratch = path.resolve('.scratch');
let folder = '';
beforeAll(() => {
  fs.mkdirSync(scratch, { recursive: true });
  folder = fs.mkdtempSync(path.join(scratch, 'registered-at-'));
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

const SERVER = `
import net from 'node:net';
import Fastify from 'fastify';
import { closeWaitGuard } from ${JSON.stringify(path.resolve('dist/index.js'))};
import routes from './routes/items.js';

process.chdir(import.meta.dirname);
const app = Fastify();
app.get('/early', () => new Promise(() => {}));
await app.register(closeWaitGuard, { closeWaitTimeout: 200, sampleInterval: 50, scope: 'watched', metricsRoute: false });
await app.register(routes, { prefix: '/shop' });
app.server.httpAllowHalfOpen = true;
await app.listen({ port: 0, host: '127.0.0.1' });
const paths = ['/early', '/shop/items/7', '/shop/both', '/shop/wild/a/b'];
app.closeWaitGuard.on('leak', (leak) => {
  found[leak.route] = leak.registeredAt ?? null;
  if (Object.keys(found).length < paths.length) return;
  console.log(JSON.stringify(found));
  process.exit();
});
const found = {};
for (const target of paths)
  net.connect(app.server.address().port, '127.0.0.1').end('GET ' + target + ' HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n');
`;

const ROUTES = `type App = any;

const never = () => new Promise(() => {});

export default async function routes(app: App) {
  app.get('/items/:id', never);
  app.route({
    method: ['GET', 'POST'],
    url: '/both',
    handler: never,
  });
  app.get('/wild/*', never);
}
`;

async function placesIn(project: string, compiled: string, args: string[]): Promise<unknown> {
  const root = path.join(folder, project);
  fs.mkdirSync(path.join(root, 'routes'), { recursive: true });
  fs.writeFileSync(path.join(root, 'server.mjs'), SERVER);
  fs.writeFileSync(path.join(root, 'routes/package.json'), '{ "type": "module" }');
  fs.writeFileSync(path.join(root, 'routes/items.ts'), ROUTES);
  fs.writeFileSync(path.join(root, 'routes/items.js'), compiled);
  const { stdout, stderr, code } = await runNode([...args, path.join(root, 'server.mjs')]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

it('a report names where its route was registered, relative to the working directory', async () => {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  const compiled = ts.transpileModule(ROUTES, { compilerOptions: options }).outputText;
  const lineOf = (text: string): number => compiled.split('\n').findIndex((line) => line.includes(text)) + 1;
  expect(await placesIn('plain', compiled, [])).toEqual({
    // Before the plugin.
    '/early': null,
    '/shop/items/:id': `routes/items.js:${lineOf('/items/:id')}`,
    '/shop/both': `routes/items.js:${lineOf('app.route')}`,
    '/shop/wild/*': `routes/items.js:${lineOf('/wild/*')}`,
  });
});

it('and in the source, where Node applies source maps', async () => {
  const compilerOptions = { target: ts.ScriptTarget.ES5, module: ts.ModuleKind.ESNext, inlineSourceMap: true };
  const compiled = ts.transpileModule(ROUTES, { compilerOptions, fileName: 'items.ts' }).outputText;
  expect(await placesIn('mapped', compiled, ['--enable-source-maps'])).toEqual({
    '/early': null,
    '/shop/items/:id': 'routes/items.ts:6',
    '/shop/both': 'routes/items.ts:7',
    '/shop/wild/*': 'routes/items.ts:12',
  });
});
