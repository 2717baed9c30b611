import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ApiWords } from '../../src/apis/words.js';
import { LEAK_CAUSES } from '../../src/base/vocabulary.js';
import { CAUSES } from '../../src/leaks/causes/index.js';
import { leakFacts } from '../support/leak-facts.js';
import { root } from '../support/programs.js';

const filesIn = (folder: string): string[] =>
  readdirSync(path.join(root, folder)).map((file) => path.basename(file, '.ts'));

describe('each cause', () => {
  it('is one file of its name', () => {
    const files = filesIn('src/leaks/causes').filter((file) => file !== 'index' && file !== 'cause');
    expect(files.sort()).toEqual([...LEAK_CAUSES].sort());
    expect(Object.keys(CAUSES)).toEqual([...LEAK_CAUSES]);
  });

  it.each(LEAK_CAUSES)('%s has its name, and the path of its page', (cause) => {
    expect(CAUSES[cause]).toMatchObject({ name: cause, docs: `docs/causes/${cause}.md` });
  });

  it('has that page', (context) => {
    context.skip(!existsSync(path.join(root, 'docs/causes')), 'there are no pages of causes yet');
    expect(LEAK_CAUSES.filter((cause) => !existsSync(path.join(root, CAUSES[cause].docs)))).toEqual([]);
  });
});

/** Stands out in a sentence, and says which slot it was put into. */
const MARKED = Object.fromEntries(
  (
    [
      'discardRequestBody',
      'endResponse',
      'responseBody',
      'discardResponseBody',
      'destroyResponseBody',
      'pipeResponseBody',
      'resumeConnection',
      'endConnection',
      'destroyConnection',
    ] satisfies (keyof ApiWords)[]
  ).map((slot) => [slot, `<${slot}>`]),
) as unknown as ApiWords;

describe('the words of each API', () => {
  const apis = filesIn('src/apis').filter((file) => file !== 'words');

  it('are one file each', () => {
    expect(apis).toEqual(expect.arrayContaining(['net', 'http', 'fastify', 'undici', 'fetch']));
  });

  it.each(apis)('%s fill every slot', async (api) => {
    const exported = Object.values((await import(`../../src/apis/${api}.ts`)) as Record<string, ApiWords>);
    expect(exported).toHaveLength(1);
    const [words] = exported;
    expect(Object.keys(words!).sort()).toEqual(Object.keys(MARKED).sort());
    // They stand in the middle of a sentence: no capital of its own, no full stop.
    for (const text of Object.values(words!) as string[]) expect(text).toMatch(/^[a-z].*[^.\s]$/);
  });

  it('have a sentence for every slot', () => {
    const facts = leakFacts({ http: {} });
    const sentences = LEAK_CAUSES.flatMap((cause) => [CAUSES[cause], ...(CAUSES[cause].reasons ?? [])]);
    const fixes = sentences.map(({ fix }) => fix(MARKED, facts)).join(' ');
    expect(Object.values(MARKED).filter((mark: string) => !fixes.includes(mark))).toEqual([]);
  });
});

describe('a cause names a slot, never a library', () => {
  it.each(LEAK_CAUSES)('%s', (cause) => {
    const { fix, explanation } = CAUSES[cause];
    const facts = leakFacts({ http: {}, framework: 'fastify' });
    expect(`${explanation(facts)} ${fix(MARKED, facts)}`).not.toMatch(
      /fastify|express|koa|undici|fetch|axios|\bgot\b|request\.raw|\breq\.|\bres\.|ctx\./i,
    );
  });
});
