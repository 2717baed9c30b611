import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../support/programs.js';
import { pages, type Page } from './docs-pages.js';

/** Written elsewhere. A page that exists is taken off this list. */
const PENDING: readonly string[] = [];

const all = pages();

/** GitHub's: lower case, without punctuation, with hyphens for spaces; a second one of the same name gets `-1`. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const withoutBlocks = text.replace(/^\s*```[^]*?^\s*```$/gm, '');
  for (const [, heading = ''] of withoutBlocks.matchAll(/^#+ (.*)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let i = 1; anchors.has(anchor); i++) anchor = `${slug}-${i}`;
    anchors.add(anchor);
  }
  return anchors;
}

interface Link {
  readonly line: number;
  readonly target: string;
}

function linksOf({ prose }: Page): Link[] {
  return prose.split('\n').flatMap((text, index) =>
    [...text.replace(/`[^`]*`/g, 'code').matchAll(/\]\(([^)]*)\)/g)].map(([, target = '']) => ({
      line: index + 1,
      target,
    })),
  );
}

/** What is wrong with a link; undefined when nothing is. */
function faultOf(page: string, target: string): string | undefined {
  if (/^[a-z]+:/.test(target)) return /^https:\/\/[\w.-]+(\/\S*)?$/.test(target) ? undefined : 'not an https address';
  const [file = '', anchor] = target.split('#');
  const named = file === '' ? page : path.posix.join(path.posix.dirname(page), file);
  if (PENDING.includes(named)) return undefined;
  if (!existsSync(path.join(root, named))) return `there is no ${named}`;
  if (anchor === undefined) return undefined;
  return anchorsOf(readFileSync(path.join(root, named), 'utf8')).has(anchor)
    ? undefined
    : `${named} has no heading for #${anchor}`;
}

describe('links', () => {
  it.each(all.map((page) => [page.name, page] as const))('of %s lead somewhere', (name, page) => {
    const faults = linksOf(page).flatMap(({ line, target }) => {
      const fault = faultOf(name, target);
      return fault === undefined ? [] : [`line ${line}, ${target}: ${fault}`];
    });
    expect(faults).toEqual([]);
  });

  it('lead from README.md to every page', () => {
    const reached = new Set(['README.md']);
    for (const name of reached) {
      const page = all.find((each) => each.name === name);
      for (const { target } of page ? linksOf(page) : []) {
        const [file = ''] = target.split('#');
        if (file.endsWith('.md')) reached.add(path.posix.join(path.posix.dirname(name), file));
      }
    }
    expect(all.map(({ name }) => name).filter((name) => !reached.has(name))).toEqual([]);
  });

  it('are found out when they lead nowhere', () => {
    expect(faultOf('docs/limits.md', 'nowhere.md')).toBe('there is no docs/nowhere.md');
    expect(faultOf('docs/limits.md', '#nowhere')).toBe('docs/limits.md has no heading for #nowhere');
    expect(faultOf('docs/limits.md', 'http://shop.test/')).toBe('not an https address');
    expect(faultOf('docs/limits.md', '../README.md#quick-start')).toBeUndefined();
  });

  it('wait for no page that is there', () => {
    expect(PENDING.filter((name) => existsSync(path.join(root, name)))).toEqual([]);
  });
});
