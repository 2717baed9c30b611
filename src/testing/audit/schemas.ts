import { GuardError } from '../../base/errors.js';
import { isRecord } from '../../base/objects.js';

/** JSON Schema, or what an application gives for one. */
type Schema = Record<string, unknown>;

/** Makes a value that a schema describes; the same one each time. @throws when it cannot */
export type Sampler = (schema: unknown, shared: Readonly<Record<string, unknown>>) => unknown;

export const SAMPLER_PACKAGE = 'json-schema-faker';
const SAMPLER_OPTIONS = { seed: 1, optionalsProbability: 0, useExamplesValue: true, useDefaultValue: true } as const;

/**
 * Undefined where the package is not installed.
 * @throws GuardError CWG_ERR_PEER_VERSION
 */
export async function loadSampler(): Promise<Sampler | undefined> {
  let faker: Partial<typeof import('json-schema-faker')>;
  try {
    faker = await import('json-schema-faker');
  } catch (error) {
    // As import and as require() name it.
    if (!/^(ERR_)?MODULE_NOT_FOUND$/.test(String((error as NodeJS.ErrnoException).code))) throw error;
    return undefined;
  }
  const { generateSync } = faker;
  if (typeof generateSync !== 'function') {
    throw new GuardError(
      'CWG_ERR_PEER_VERSION',
      `close-wait-guard: the ${SAMPLER_PACKAGE} that is installed has no generateSync(); it takes version 0.6 or later, or none`,
    );
  }
  return (schema, shared) => generateSync(bundle(schema, shared), SAMPLER_OPTIONS);
}

/** Whether it is one: other type providers (zod, valibot) have objects with methods in its place. */
export function isJsonSchema(schema: unknown): schema is Schema {
  return (
    isRecord(schema) && !('~standard' in schema) && typeof schema.safeParse !== 'function' && isPlainObject(schema)
  );
}

/** What the schema itself gives for a sample: the author knows best. Undefined when it gives none. */
export function exampleIn(schema: Schema): unknown {
  const [first] = Array.isArray(schema.examples) ? (schema.examples as unknown[]) : [];
  return first ?? schema.example ?? schema.default;
}

/** Keywords whose value is data and not a schema. */
const DATA = new Set(['enum', 'const', 'default', 'example', 'required', 'type']);
/** Keywords whose value is a schema for each of its keys. */
const MAPS = new Set(['properties', 'patternProperties', 'definitions', '$defs', 'dependentSchemas', 'dependencies']);

/**
 * One schema that refers to nothing outside of itself, so that nothing is ever fetched for it. The shared ones move into
 * its `$defs`, and a reference inside a shared one is to itself. Of several examples the first is kept, and a property
 * that has one is not left out.
 * @throws Error for a reference to what is not there
 */
function bundle(schema: unknown, shared: Readonly<Record<string, unknown>>): Schema {
  const definitions: Schema = {};
  const keys = new Map<string, string>();
  const place = (id: string): string => {
    if (isRecord(schema) && schema.$id === id) return '#';
    let key = keys.get(id);
    if (key === undefined) {
      const found = shared[id];
      if (found === undefined) throw new Error(`it refers to the schema ${JSON.stringify(id)}, which there is not`);
      key = `shared-${keys.size}`;
      // Before it is filled in: it may refer to itself.
      keys.set(id, key);
      definitions[key] = rewritten(found, `#/$defs/${key}`, place);
    }
    return `#/$defs/${key}`;
  };
  const root = rewritten(schema, '#', place) as Schema;
  return { ...root, $defs: { ...(isRecord(root.$defs) ? root.$defs : {}), ...definitions } };
}

/** A copy of a schema whose own references start at `base`. */
function rewritten(schema: unknown, base: string, place: (id: string) => string): unknown {
  if (Array.isArray(schema)) return schema.map((item) => rewritten(item, base, place));
  if (!isRecord(schema)) return schema;
  const copy: Schema = {};
  for (const [keyword, value] of Object.entries(schema)) {
    // An $id would make its references start elsewhere.
    if (keyword === '$id') continue;
    if (keyword === '$ref' && typeof value === 'string') copy.$ref = moved(value, base, place);
    else if (keyword === 'examples' && Array.isArray(value)) copy.examples = value.slice(0, 1);
    else if (DATA.has(keyword)) copy[keyword] = structuredClone(value);
    else if (MAPS.has(keyword) && isRecord(value)) {
      copy[keyword] = Object.fromEntries(
        Object.entries(value).map(([name, item]) => [name, rewritten(item, base, place)]),
      );
    } else copy[keyword] = rewritten(value, base, place);
  }
  if (isRecord(schema.properties)) {
    const exemplary = Object.entries(schema.properties).filter(
      ([, item]) => isRecord(item) && ('example' in item || 'examples' in item),
    );
    const required = Array.isArray(schema.required) ? (schema.required as unknown[]) : [];
    copy.required = [...new Set([...required, ...exemplary.map(([name]) => name)])];
  }
  return copy;
}

/** Where a reference leads once everything is in one schema. */
function moved(ref: string, base: string, place: (id: string) => string): string {
  const [id = '', pointer = ''] = ref.split('#', 2);
  const start = id === '' ? base : place(id);
  return pointer === '' ? start : `${start}${pointer}`;
}

/** Made by `{}` or JSON.parse, not by a class. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
