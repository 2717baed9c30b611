import { momentText, wallClockMs } from '../../base/clock.js';
import { VERSION } from '../../base/version.js';

const SCHEMA = 'https://unpkg.com/close-wait-guard/schema/v1.json';

/** The JSON document of a command, as schema/v1.json describes it: what it tells, and who tells it when. */
export function jsonDocument(command: string, body: object): string {
  const head = { $schema: SCHEMA, command, version: VERSION, time: momentText(wallClockMs()) };
  return `${JSON.stringify({ ...head, ...body }, undefined, 2)}\n`;
}
