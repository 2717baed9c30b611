/** The `$id` of the published JSON Schema, schema/v1.json; another one when a property is removed, renamed or means something else. */
export const SCHEMA_ID = 'https://unpkg.com/close-wait-guard/schema/v1.json';
