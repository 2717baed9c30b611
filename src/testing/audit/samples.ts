import { isObject, isRecord } from '../../base/objects.js';
import { fillPattern, patternParts } from '../../base/patterns.js';
import { bodySchemaOf, CONSTRAINT_HEADERS, type FoundRoute } from '../../frameworks/fastify/routes.js';
import type { HangUpRequest } from '../hang-up/options.js';
import { guessedBodies, jsonBodies, takesBody, type BodyCandidate } from './bodies.js';
import type { AuditExample, AuditRequest } from './options.js';
import { exampleIn, isJsonSchema, SAMPLER_PACKAGE, type Sampler } from './schemas.js';

/** The requests to send a route: one without a body, or one for each body that the route may accept. */
export interface Sample {
  /** At least one; without a body exactly one. */
  readonly requests: readonly HangUpRequest[];
  readonly hasBody: boolean;
}

export interface SampleSources {
  readonly example: AuditExample | undefined;
  /** What `filter` returned. */
  readonly request: AuditRequest | undefined;
  /** Headers of every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined where the package for it is not installed. */
  readonly sampler: Sampler | undefined;
}

/** Why no request can be made for a route. Its message continues a sentence that ends in "because". */
export class NoSample extends Error {}

/** @throws NoSample */
export function sampleOf(route: FoundRoute, { example, request, headers, sampler }: SampleSources): Sample {
  const part = (name: 'params' | 'querystring' | 'headers', given: Readonly<Record<string, unknown>> | undefined) =>
    given ?? recordOf(sampled(route, name, sampler));
  const path = request?.path ?? pathOf(route, part('params', example?.params), part('querystring', example?.query));
  const base = {
    ...constraintHeaders(route),
    ...strings(part('headers', undefined)),
    ...headers,
    ...example?.headers,
    ...request?.headers,
  };
  const bodies = bodiesOf(route, example, request, sampler, 'content-type' in lowerCased(base));
  if (bodies.length === 0) return { requests: [{ method: route.method, path, headers: base }], hasBody: false };
  return {
    requests: bodies.map(({ contentType, body }) => ({
      method: route.method,
      path,
      headers: contentType === undefined ? base : { ...base, 'content-type': contentType },
      body,
    })),
    hasBody: true,
  };
}

function pathOf(
  { url }: FoundRoute,
  params: Readonly<Record<string, unknown>>,
  query: Readonly<Record<string, unknown>>,
): string {
  let path: string;
  try {
    path = fillPattern(patternParts(url), params);
  } catch (error) {
    throw new NoSample(messageOf(error));
  }
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) search.append(name, textOf(item));
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

function bodiesOf(
  route: FoundRoute,
  example: AuditExample | undefined,
  request: AuditRequest | undefined,
  sampler: Sampler | undefined,
  typed: boolean,
): BodyCandidate[] {
  if (request?.body !== undefined) return [{ contentType: undefined, body: request.body }];
  const given = example?.body;
  if (typeof given === 'string' || given instanceof Uint8Array) {
    return [{ contentType: typed ? undefined : 'application/octet-stream', body: given }];
  }
  if (given !== undefined) return jsonBodies(given, typed ? undefined : 'application/json');
  const { type, schema } = bodySchemaOf(route);
  if (schema !== undefined) return jsonBodies(sampleFor(route, 'body', schema, sampler), typed ? undefined : type);
  return takesBody(route.method) ? guessedBodies(route.accepts) : [];
}

function sampled(route: FoundRoute, name: 'params' | 'querystring' | 'headers', sampler: Sampler | undefined): unknown {
  const schema = route.schema?.[name];
  return schema === undefined ? undefined : sampleFor(route, name, schema, sampler);
}

function sampleFor(route: FoundRoute, name: string, schema: unknown, sampler: Sampler | undefined): unknown {
  // Fastify takes a bare object of properties for one.
  if (!isJsonSchema(schema)) throw new NoSample(`its ${name} schema is no JSON Schema: give it an example`);
  const own = exampleIn(schema);
  if (own !== undefined) return own;
  if (!sampler)
    throw new NoSample(`a sample of its ${name} needs ${SAMPLER_PACKAGE}: npm install -D ${SAMPLER_PACKAGE}`);
  try {
    return sampler(schema, route.sharedSchemas());
  } catch (error) {
    throw new NoSample(`no sample could be made of its ${name} schema (${messageOf(error)}): give it an example`);
  }
}

/** What the router wants to see before it takes the route. */
function constraintHeaders({ constraints }: FoundRoute): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(constraints)) {
    const header = (CONSTRAINT_HEADERS as Partial<Record<string, string>>)[name];
    if (header === undefined || typeof value !== 'string') {
      throw new NoSample(`what meets its constraint ${name} is not known: give it a request with the option filter`);
    }
    headers[header] = value;
  }
  return headers;
}

function strings(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, textOf(value)]));
}

function textOf(value: unknown): string {
  return isObject(value) ? JSON.stringify(value) : String(value);
}

function lowerCased(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
