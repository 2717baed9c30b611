import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { root } from '../../support/programs.js';
import { DURATION_HISTOGRAM, METRIC_FAMILIES } from './docs-code.js';
import { pages, type Block } from './docs-pages.js';

/**
 * What is done with a block is the second word of its info string:
 * `run` readme.test.ts runs it as pasted · `leaks`, `closes` docs-causes.test.ts runs it and asks the kernel · `report`
 * docs-causes.test.ts holds it against what such a program reports · `output` docs-command.test.ts holds it against what the command prints · `recipe` docs-recipes.test.ts finds it in a program that is run ·
 * `red` docs-red.test.ts runs it on an application that leaks, and it fails; its types are checked below, too ·
 * `runner` runners.test.ts runs it in that test runner, on an application that leaks ·
 * `check` below: types, syntax and names · `none` nothing.
 */
const USES: Readonly<Record<string, readonly string[]>> = {
  js: ['run', 'leaks', 'closes', 'recipe', 'runner', 'red', 'check'],
  sh: ['run', 'runner', 'check'],
  json: ['check'],
  promql: ['check'],
  text: ['report', 'output', 'none'],
  ini: ['none'],
  dockerfile: ['none'],
  yaml: ['none'],
};

const all = pages();
const blocks = all.flatMap((page) => page.blocks);
const titleOf = ({ page, line }: Block): string => `${page}:${line}`;
const toCheck = (language: string): (readonly [string, Block])[] =>
  blocks
    .filter((block) => ['check', 'red'].includes(block.use) && block.language === language)
    .map((b) => [titleOf(b), b] as const);

describe('every block of README.md and docs/', () => {
  it('says what is done with it', () => {
    const silent = blocks.filter(({ language, use }) => !USES[language]?.includes(use));
    expect(silent.map((block) => `${titleOf(block)}: ${block.language} ${block.use}`)).toEqual([]);
  });

  it('is fenced: an indented one says nothing of itself', () => {
    const indented = all.flatMap(({ name, prose }) =>
      prose
        .split('\n')
        .flatMap((line, i, lines) => (/^ {4}\S/.test(line) && lines[i - 1] === '' ? [`${name}:${i + 1}`] : [])),
    );
    expect(indented).toEqual([]);
  });

  it('is run or checked, but for these: drawings, output of a runner, and files of other programs', () => {
    const left = blocks.filter(({ use }) => use === 'none');
    const count: Record<string, number> = {};
    for (const { page, language } of left) count[`${page} ${language}`] = (count[`${page} ${language}`] ?? 0) + 1;
    expect(count).toEqual({
      'docs/architecture.md text': 1,
      'docs/how-it-works.md text': 1,
      'docs/inspect.md text': 1,
      'docs/install.md dockerfile': 1,
      'docs/metrics.md yaml': 3,
      'docs/preload.md dockerfile': 1,
      'docs/preload.md ini': 2,
      'docs/preload.md text': 2,
      'docs/testing.md text': 2,
      'docs/troubleshooting.md text': 1,
    });
  });
});

/** What the snippets take for given: an application under test, and the globals of a test file. */
const GIVEN = `
import 'close-wait-guard/vitest';
import 'vitest/globals';
import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import type { RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
declare global {
  const app: FastifyInstance;
  const expressApp: RequestListener;
  const onConnection: (socket: Socket) => void;
  const onlyFromInside: onRequestHookHandler;
  const lineOfTheLog: string;
  const webSocketServer: { readonly options: { readonly server: Server } };
}
`;

/** Type errors of JavaScript modules that stand in a folder of this repository, by the name of each. */
function typeErrors(modules: ReadonlyMap<string, string>): Map<string, string[]> {
  const folder = path.join(root, 'docs/snippets');
  const files = new Map([...modules].map(([name, code]) => [path.join(folder, name), code]));
  const given = path.join(folder, 'given.d.mts');
  files.set(given, GIVEN);
  const options: ts.CompilerOptions = {
    allowJs: true,
    checkJs: true,
    noEmit: true,
    strict: true,
    noImplicitAny: false,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
    types: ['node'],
  };
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    getCurrentDirectory: () => root,
    fileExists: (name) => files.has(name) || disk.fileExists(name),
    readFile: (name) => files.get(name) ?? disk.readFile(name),
    getSourceFile: (name, languageVersion, ...rest) => {
      const code = files.get(name);
      return code === undefined
        ? disk.getSourceFile(name, languageVersion, ...rest)
        : ts.createSourceFile(name, code, languageVersion);
    },
  };
  const program = ts.createProgram([...files.keys()], options, host);
  const errors = new Map([...modules.keys()].map((name): [string, string[]] => [name, []]));
  for (const { file, messageText } of ts.getPreEmitDiagnostics(program)) {
    const name = file ? path.basename(file.fileName) : '';
    const message = ts.flattenDiagnosticMessageText(messageText, '\n');
    const list = errors.get(name);
    if (!list) throw new Error(`${name}: ${message}`);
    list.push(message);
  }
  return errors;
}

const moduleName = ({ page, line, code }: Block): string =>
  `${page.replace(/\W/g, '-')}-${line}.${code.includes('require(') ? 'cjs' : 'mjs'}`;

describe('a js block', () => {
  it('that is checked has no type error', { timeout: 60_000 }, () => {
    const modules = new Map(toCheck('js').map(([, block]) => [moduleName(block), block.code]));
    modules.set('wrong.mjs', `import { createGuard } from 'close-wait-guard';\ncreateGuard({ closeWaitTimout: 1 });\n`);
    const errors = typeErrors(modules);
    expect(errors.get('wrong.mjs')).toEqual([expect.stringContaining('closeWaitTimout')]);
    errors.delete('wrong.mjs');
    expect([...errors].filter(([, messages]) => messages.length > 0)).toEqual([]);
  });
});

describe('a json block', () => {
  it.each(toCheck('json'))('%s is JSON, whole or line by line', (_title, { code }) => {
    const isJson = (text: string): boolean => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    expect(isJson(code) || code.trim().split('\n').every(isJson)).toBe(true);
  });
});

describe('a sh block', () => {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };

  it.each(toCheck('sh'))('%s parses, and what it names of this repository is there', (_title, { code }) => {
    execFileSync('bash', ['-n'], { input: code });
    for (const [, name = ''] of code.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([name]);
    for (const [, file = ''] of code.matchAll(/\bnode ((?:examples|scripts|bench)\/\S+)/g))
      expect(existsSync(path.join(root, file)), file).toBe(true);
    for (const [, entry = ''] of code.matchAll(/close-wait-guard\/(dist\/\S+\.js)/g))
      expect(existsSync(path.join(root, entry)), entry).toBe(true);
  });
});

describe('a promql block', () => {
  const labels = new Map(METRIC_FAMILIES.map(({ name, labelNames }) => [name, labelNames] as const));
  labels.set(`${DURATION_HISTOGRAM.name}_bucket`, ['le']);
  // Of the clients' default metrics.
  for (const name of ['process_max_fds', 'process_open_fds']) labels.set(name, []);

  it.each(toCheck('promql'))('%s names metrics that there are, and labels that they have', (_title, { code }) => {
    const queries = code
      .replace(/ +#.*$/gm, '')
      .trim()
      .split('\n');
    for (const query of queries) {
      const names = query.match(/\b[a-z]\w*_\w+\b/g) ?? [];
      expect(names.length, query).toBeGreaterThan(0);
      for (const name of names) expect([...labels.keys()], query).toContain(name);
      const used = [
        ...(/\bby \(([^)]*)\)/.exec(query)?.[1]?.split(/, */) ?? []),
        ...[...query.matchAll(/(\w+)(?:=~?|!=)"/g)].map(([, label = '']) => label),
      ];
      const known = names.flatMap((name) => labels.get(name) ?? []);
      for (const label of used) expect(known, query).toContain(label);
    }
  });
});
