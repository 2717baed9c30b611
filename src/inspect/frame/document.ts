import { SCHEMA_ID } from '../../base/schema.js';
import { momentText, wallClockMs } from '../../base/clock.js';
import { VERSION } from '../../base/version.js';

/** The JSON document of a command, as schema/v1.json describes it: what it tells, and who tells it when. */
export function jsonDocument(command: string, body: object): string {
  const head = { $schema: SCHEMA_ID, command, version: VERSION, time: momentText(wallClockMs()) };
  return `${JSON.stringify({ ...head, ...body }, undefined, 2)}\n`;
}
