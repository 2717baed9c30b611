import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { SCHEMA_ID } from '../../src/base/schema.js';
import { MOST_ENDED, MOST_GROUPS } from '../../src/page/data.js';
import { guardOn, leak, leakyServer } from '../support/guarded-server.js';
import { dataOf } from '../support/page-data.js';
import { askForData, servePage } from '../support/page.js';
import { root } from '../support/programs.js';
import { stageOfEachTest } from '../support/stage.js';
import { until } from '../support/until.js';

const stage = stageOfEachTest();
const schema = JSON.parse(readFileSync(path.join(root, 'schema/v1.json'), 'utf8'));

/** Against `page` of schema/v1.json; here no property may be there that it does not know. */
function faultsIn(value: unknown): unknown {
  const closed = JSON.parse(JSON.stringify(schema), (_key, part) =>
    part?.type === 'object' && part.properties ? { ...part, additionalProperties: false } : part,
  );
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema(closed, 'v1');
  const validate = ajv.compile({ $ref: 'v1#/$defs/page' });
  return validate(JSON.parse(JSON.stringify(value))) ? undefined : validate.errors;
}

it('schema/v1.json fits the page of real leaks, open and closed, and bites', async () => {
  const guard = guardOn(stage);
  const page = await servePage(stage, guard);
  const { port } = await leakyServer(stage, guard, 'mail');
  const [first] = await leak(stage, guard, port, 3);
  first!.destroy();
  const data = await until(
    'one to be closed',
    async () => {
      const now = await askForData(page);
      return now.ended.length === 1 ? now : undefined;
    },
    { everyMs: 100 },
  );
  expect(data.groups).toHaveLength(1);
  expect(data.$schema).toBe(schema.$id);
  expect(SCHEMA_ID).toBe(schema.$id);
  expect(faultsIn(data)).toBeUndefined();
  const [group] = data.groups;
  expect(faultsIn({ ...data, surprise: 1 })).toBeDefined();
  expect(faultsIn({ ...data, groups: [{ ...group, count: '3' }] })).toBeDefined();
  expect(faultsIn({ ...data, groups: [{ ...group, oldest: { ...group!.oldest, leak: { id: '7' } } }] })).toBeDefined();
});

it('says how many there are at most', () => {
  const { groups, ended } = schema.$defs.page.properties;
  expect([groups.maxItems, ended.maxItems]).toEqual([MOST_GROUPS, MOST_ENDED]);
  expect(faultsIn(dataOf(10_000))).toBeUndefined();
});
