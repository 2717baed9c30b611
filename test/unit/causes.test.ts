import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { net } from '../../src/apis/net.js';
import type { ApiWords } from '../../src/apis/words.js';
import { LEAK_CAUSES, LEAK_REASONS, type LeakCause } from '../../src/base/vocabulary.js';
import type { WaitsFor } from '../../src/layers/stalled-destination.js';
import type { Cause } from '../../src/leaks/causes/cause.js';
import { CAUSES } from '../../src/leaks/causes/index.js';
import { leakFacts, type FactsChange } from '../support/leak-facts.js';
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
const MARKED = Object.fromEntries(Object.keys(net).map((slot) => [slot, `<${slot}>`])) as unknown as ApiWords;

/** Facts between which fixes decide by themselves. */
const VARIANTS: readonly FactsChange[] = [
  { http: {}, framework: 'fastify' },
  { http: { responseStarted: true } },
  { reading: { how: 'destination-stalled', waitsFor: waitsForRequest(), didRead: true } },
  { reading: { how: 'destination-stalled', waitsFor: { kind: 'response', method: 'GET', url: '/' }, didRead: true } },
  { side: 'outbound', http: { role: 'client' } },
];

function waitsForRequest(): WaitsFor {
  const end = { host: 'upstream', encrypted: false, remoteAddress: undefined, remotePort: undefined };
  const request = { method: 'POST', url: '/', base: 'http://upstream', hostHeader: undefined };
  return { kind: 'request', connected: true, ...request, ...end };
}

/** All that a cause may say. */
function sentencesOf(name: LeakCause): string[] {
  const cause: Cause = CAUSES[name];
  return [cause, ...(cause.reasons ?? [])].flatMap(({ explanation, fix }) =>
    VARIANTS.map((change) => `${explanation(leakFacts(change))} ${fix(MARKED, leakFacts(change))}`),
  );
}

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
    const fixes = LEAK_CAUSES.flatMap(sentencesOf).join(' ');
    expect(Object.values(MARKED).filter((mark: string) => !fixes.includes(mark))).toEqual([]);
  });
});

describe('a cause names a slot, never a library', () => {
  it.each(LEAK_CAUSES)('%s', (cause) => {
    expect(sentencesOf(cause).join(' ')).not.toMatch(
      /fastify|express|koa|undici|fetch|axios|\bgot\b|request\.raw|\breq\.|\bres\.|ctx\./i,
    );
  });
});

describe('the reasons of a cause', () => {
  const reasons = LEAK_CAUSES.flatMap((name) => (CAUSES[name] as Cause).reasons ?? []);

  it('are all there are, and of the closed set', () => {
    expect(new Set(reasons.map(({ name }) => name))).toEqual(new Set(LEAK_REASONS));
  });
});
