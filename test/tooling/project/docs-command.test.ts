import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { page, withOutput } from '../../../scripts/command-output.mjs';
import { COMMANDS } from '../../../src/inspect/commands/index.js';

/** Pids, ports, ages and bytes differ from run to run, and so may where a line breaks. */
const masked = (text: string): string => text.replace(/\d[\d.,]*/g, 'N').replace(/\s+/g, ' ');

describe('docs/command.md', { timeout: 120_000 }, () => {
  const text = readFileSync(page, 'utf8');

  it('shows what the command prints (node scripts/command-output.mjs writes it anew)', async () => {
    expect(masked(text)).toBe(masked(await withOutput(text)));
  });

  it('has a section for each command', () => {
    const sections = [...text.matchAll(/^## (?:`(\w+)`)/gm)].map(([, name]) => name);
    expect(sections).toEqual(expect.arrayContaining([...COMMANDS.keys()]));
  });
});
