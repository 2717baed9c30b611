import Fastify, { type FastifyInstance, type FastifySchema } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { fillPattern, patternParts } from '../../../../src/base/patterns.js';
import { routesOf } from '../../../../src/frameworks/fastify/routes.js';
import { BODY_BYTES } from '../../../../src/testing/audit/bodies.js';
import { NoSample, sampleOf, type SampleSources } from '../../../../src/testing/audit/samples.js';
import { loadSampler } from '../../../../src/testing/audit/schemas.js';

const apps: FastifyInstance[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

const sampler = await loadSampler();
const NOTHING: SampleSources = { example: undefined, request: undefined, headers: {}, sampler };

interface Case {
  readonly method?: string;
  readonly url?: string;
  readonly schema?: FastifySchema;
  readonly shared?: Record<string, unknown>;
}

/** A route that echoes what it was asked with, and the sample that was made for it. */
async function sampleFor(
  { method = 'POST', url = '/', schema = {}, shared }: Case,
  sources: Partial<SampleSources> = {},
) {
  const app = Fastify();
  apps.push(app);
  if (shared) app.addSchema(shared);
  app.route({ method, url, schema, handler: async ({ params, query, body }) => ({ params, query, body }) });
  await app.ready();
  const { requests } = sampleOf(
    routesOf(app).find((route) => route.method === method)!,
    { ...NOTHING, ...sources },
  );
  const asked = requests[0]!;
  const answer = await app.inject({
    method: method as 'POST',
    url: asked.path!,
    headers: asked.headers as Record<string, string>,
    ...(typeof asked.body === 'string' ? { payload: asked.body } : {}),
  });
  return { asked, requests, status: answer.statusCode, echo: answer.json() };
}

const strings = { type: 'string' } as const;

describe('a sample passes the validation of the route it was made for', () => {
  it.each<[string, Case]>([
    [
      'numbers',
      {
        schema: {
          body: {
            type: 'object',
            required: ['n'],
            properties: { n: { type: 'integer', minimum: 5, maximum: 9, multipleOf: 2 } },
          },
        },
      },
    ],
    [
      'lengths and patterns',
      {
        schema: {
          body: {
            type: 'object',
            required: ['a', 'b'],
            properties: {
              a: { ...strings, minLength: 20, maxLength: 22 },
              b: { ...strings, pattern: '^[A-Z]{3}-\\d{4}$' },
            },
          },
        },
      },
    ],
    [
      'formats',
      {
        schema: {
          body: {
            type: 'object',
            required: ['u', 'e', 'd'],
            properties: {
              u: { ...strings, format: 'uuid' },
              e: { ...strings, format: 'email' },
              d: { ...strings, format: 'date-time' },
            },
          },
        },
      },
    ],
    [
      'enum and const',
      {
        schema: {
          body: { type: 'object', required: ['a', 'b'], properties: { a: { enum: ['x', 'y'] }, b: { const: 7 } } },
        },
      },
    ],
    [
      'unique items',
      { schema: { body: { type: 'array', minItems: 3, uniqueItems: true, items: { ...strings, minLength: 2 } } } },
    ],
    [
      'oneOf',
      {
        schema: {
          body: {
            oneOf: [
              { type: 'object', required: ['a'], properties: { a: strings }, additionalProperties: false },
              { type: 'object', required: ['b'], properties: { b: { type: 'number' } }, additionalProperties: false },
            ],
          },
        },
      },
    ],
    [
      'a body for each content type',
      {
        schema: {
          body: {
            content: {
              'application/json': {
                schema: { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } },
              },
            },
          },
        },
      },
    ],
    [
      'a shared schema',
      {
        shared: {
          $id: 'item',
          type: 'object',
          required: ['p'],
          properties: { p: { $ref: '#/definitions/P' } },
          definitions: { P: { type: 'integer', minimum: 3, maximum: 4 } },
        },
        schema: { body: { type: 'array', minItems: 1, items: { $ref: 'item#' } } },
      },
    ],
    [
      'a part of a shared schema',
      {
        shared: {
          $id: 'https://shop.test/item.json',
          definitions: { P: { type: 'object', required: ['q'], properties: { q: { type: 'boolean' } } } },
        },
        schema: { body: { $ref: 'https://shop.test/item.json#/definitions/P' } },
      },
    ],
    [
      'a schema of itself',
      {
        shared: {
          $id: 'tree',
          type: 'object',
          required: ['kids'],
          properties: { kids: { type: 'array', items: { $ref: 'tree#' } } },
        },
        schema: { body: { $ref: 'tree#' } },
      },
    ],
    [
      'query and parameters',
      {
        method: 'GET',
        url: '/:year/:slug',
        schema: {
          params: {
            type: 'object',
            required: ['year', 'slug'],
            properties: {
              year: { type: 'integer', minimum: 2000, maximum: 2030 },
              slug: { ...strings, pattern: '^[a-z]+$' },
            },
          },
          querystring: {
            type: 'object',
            required: ['page', 'sort'],
            properties: { page: { type: 'integer', minimum: 1 }, sort: { enum: ['up', 'down'] } },
          },
        },
      },
    ],
    [
      'headers',
      {
        method: 'GET',
        schema: {
          headers: {
            type: 'object',
            required: ['x-tenant'],
            properties: { 'x-tenant': { ...strings, format: 'uuid' } },
          },
        },
      },
    ],
  ])('%s', async (_name, given) => {
    const { status, echo } = await sampleFor(given);
    expect(status, JSON.stringify(echo)).toBe(200);
  });
});

describe('a sample', () => {
  it('is the same each time', async () => {
    const given: Case = {
      schema: { body: { type: 'object', required: ['a'], properties: { a: { ...strings, format: 'uuid' } } } },
    };
    expect((await sampleFor(given)).asked).toEqual((await sampleFor(given)).asked);
  });

  it('has the examples and defaults that the schema gives', async () => {
    const body = {
      type: 'object',
      required: ['name'],
      properties: {
        name: { ...strings, examples: ['umbrella', 'hat'] },
        colour: { ...strings, examples: ['red'] },
        size: { ...strings, default: 'XL' },
        note: strings,
      },
    };
    expect((await sampleFor({ schema: { body } })).echo.body).toEqual({ name: 'umbrella', colour: 'red', size: 'XL' });
    const whole = { ...body, examples: [{ name: 'coat' }] };
    expect((await sampleFor({ schema: { body: whole } })).echo.body).toEqual({ name: 'coat', size: 'XL' });
  });

  it('is what the user gives', async () => {
    const params = { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } };
    const example = { params: { id: 42 }, query: { a: ['1', '2'] }, headers: { 'x-who': 'me' }, body: { n: 1 } };
    const { asked, echo } = await sampleFor(
      { url: '/items/:id', schema: { params } },
      { example, headers: { 'x-who': 'all', 'x-key': 'k' } },
    );
    expect(echo).toEqual({ params: { id: 42 }, query: { a: ['1', '2'] }, body: { n: 1 } });
    expect(asked.headers).toMatchObject({ 'x-who': 'me', 'x-key': 'k' });
  });

  it('has a body as large as a leak needs, and a smaller one where that is refused', async () => {
    const { requests, echo } = await sampleFor({
      schema: { body: { type: 'object', required: ['a'], properties: { a: { const: 1 } } } },
    });
    expect(requests.map(({ body }) => (body as string).length)).toEqual([BODY_BYTES, 7]);
    expect(echo.body).toEqual({ a: 1 });
  });

  it('meets the constraints of its route', async () => {
    const app = Fastify();
    apps.push(app);
    app.get('/', { constraints: { host: 'one.test', version: '1.2.0' } }, async () => 'ok');
    await app.ready();
    const [route] = routesOf(app);
    expect(sampleOf(route!, NOTHING).requests[0]!.headers).toEqual({ host: 'one.test', 'accept-version': '1.2.0' });
  });

  it.each<[string, Case, Partial<SampleSources>, RegExp]>([
    [
      'without the package',
      { schema: { body: { type: 'object' } } },
      { sampler: undefined },
      /body needs json-schema-faker: npm install -D json-schema-faker/,
    ],
    [
      'of what nothing fits',
      { url: '/:id(^[xyz]{9}$)' },
      {},
      /no value is known for its parameter id: give it an example/,
    ],
  ])('is not made %s', async (_name, given, sources, message) => {
    await expect(sampleFor(given, sources)).rejects.toThrow(message);
    await expect(sampleFor(given, sources)).rejects.toThrow(NoSample);
  });
});

describe('a pattern filled in', () => {
  it.each([
    ['/items/:id', {}, '/items/1'],
    ['/items/:id', { id: 'a b/c' }, '/items/a%20b%2Fc'],
    ['/items/:id(^\\d+$)', { id: 'x' }, '/items/1'],
    ['/:lang(en|de)/x', {}, '/en/x'],
    ['/:a-:b', { a: 1, b: 2 }, '/1-2'],
    ['/:file.:ext', { file: 'f', ext: 'txt' }, '/f.txt'],
    ['/at/:hour(^\\d{2})h:minute(^\\d{2})m', { hour: 12, minute: 30 }, '/at/12h30m'],
    ['/:date(\\d{4}-\\d{2}-\\d{2})', {}, '/2024-01-31'],
    ['/nested/:id((a|b)(1|2))', { id: 'b2' }, '/nested/b2'],
    ['/files/*', { '*': 'a/b.txt' }, '/files/a/b.txt'],
    ['*', {}, '/1'],
    ['/name::verb', {}, '/name:verb'],
    ['/maybe/:id?', {}, '/maybe/1'],
  ])('%s with %o', (pattern, values, path) => {
    expect(fillPattern(patternParts(pattern), values)).toBe(path);
  });
});
