import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { GUARD_ERROR_CODES, LEAK_CAUSES, LEAK_KINDS } from 'close-wait-guard';
import { HANG_UP_WAYS, HANG_UP_MOMENTS } from 'close-wait-guard/testing';
import { root } from '../../support/programs.js';
import { ENVIRONMENT_NAMES, GUARD_DEFAULTS, GUARD_OPERATIONS, KERNEL_OPERATIONS, RANGES } from './docs-code.js';
import { nameIn, readPage, tableRows } from './docs-pages.js';

const reference = readPage('docs/reference.md');
const causes = readPage('docs/causes/README.md');

/** Every name in code style in a cell: `a`, `b` and `c`. */
const namesIn = (cell: string | undefined): string[] =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

const firstColumn = (heading: string, page = reference): string[] =>
  tableRows(page, heading).flatMap(([cell]) => namesIn(cell));

const grouped = (value: number): string => value.toLocaleString('en-US');

describe('causes', () => {
  it('have a row each, in the order of the code, that leads to the page of the cause', () => {
    const rows = tableRows(causes, 'Causes').map(([cell]) => cell);
    expect(rows).toEqual(LEAK_CAUSES.map((cause) => `[\`${cause}\`](${cause}.md)`));
  });

  it('have a page each, and there is no page of a cause that there is not', () => {
    const files = readdirSync(path.join(root, 'docs/causes')).filter((file) => file !== 'README.md');
    expect(files.sort()).toEqual(LEAK_CAUSES.map((cause) => `${cause}.md`).sort());
    for (const cause of LEAK_CAUSES)
      expect(readPage(`docs/causes/${cause}.md`).text.split('\n')[0]).toBe(`# \`${cause}\``);
  });

  it('are as many as README.md says', () => {
    expect(readPage('README.md').text).toContain(`from a closed set of ${LEAK_CAUSES.length}`);
  });
});

describe('closed sets', () => {
  it('kinds', () => {
    expect(firstColumn('Three kinds of leak', readPage('docs/how-it-works.md'))).toEqual(LEAK_KINDS);
  });

  it('codes of errors', () => {
    expect(firstColumn('Errors')).toEqual(GUARD_ERROR_CODES);
  });

  it('operations', () => {
    const [warnings, operations] = [/^CWG_WARN_/, /^[a-z_]+$/].map((pattern) =>
      tableRows(reference, 'Warnings').flatMap(([cell]) => namesIn(cell).filter((name) => pattern.test(name))),
    );
    expect(warnings).toContain('CWG_WARN_<OPERATION>');
    expect(operations?.sort()).toEqual([...GUARD_OPERATIONS].sort());
  });

  it('operations of the kernel', () => {
    const page = readPage('docs/kernel.md');
    const rows = tableRows(page, 'What it asks, and what happens without it');
    const documented = rows.flatMap(([, , cell]) => namesIn(cell));
    // A walk over the fd table is refused with the process's own /proc and fds, which no row asks for.
    expect(documented.sort()).toEqual(KERNEL_OPERATIONS.filter((name) => name !== 'fd_walk').sort());
  });

  it('environment variables', () => {
    expect(firstColumn('Environment').sort()).toEqual([...ENVIRONMENT_NAMES].sort());
    for (const name of firstColumn('Settings', readPage('docs/preload.md'))) expect(ENVIRONMENT_NAMES).toContain(name);
  });

  it('moments and manners of a client that leaves', () => {
    const page = readPage('docs/testing.md');
    const names = firstColumn('Hang up on one handler', page).filter((name) => name !== 'at' && name !== 'how');
    expect(names).toEqual([...HANG_UP_MOMENTS, ...HANG_UP_WAYS]);
  });
});

describe('defaults and ranges', () => {
  const rowOf = (option: string): string[] => {
    const rows = tableRows(reference, 'Options of `createGuard` and the plugin');
    return rows.find(([cell]) => nameIn(cell) === option) ?? [];
  };

  it.each(['closeWaitTimeout', 'sampleInterval', 'maxReported'] as const)('of %s', (option) => {
    const [, byDefault, takes] = rowOf(option);
    expect(byDefault).toBe(String(GUARD_DEFAULTS[option]));
    const [min, max] = RANGES[option];
    expect(takes).toContain(`${grouped(min)} to ${grouped(max)}`);
  });

  it('of the others', () => {
    expect(rowOf('scope')[1]).toBe(`\`'${GUARD_DEFAULTS.scope}'\``);
    expect(rowOf('captureStacks')[1]).toBe(`\`${GUARD_DEFAULTS.captureStacks}\``);
    const [min, max] = RANGES.reclaimAfter;
    expect(rowOf('reclaim')[3]).toContain(`${grouped(min)} to ${grouped(max)}`);
  });

  it('of the environment are those of the options', () => {
    const byName = new Map(tableRows(reference, 'Environment').map((row) => [nameIn(row[0]), row]));
    for (const [variable, option] of [
      ['CLOSE_WAIT_GUARD_TIMEOUT_MS', 'closeWaitTimeout'],
      ['CLOSE_WAIT_GUARD_INTERVAL_MS', 'sampleInterval'],
    ] as const) {
      const [min, max] = RANGES[option];
      const [, byDefault, meaning] = byName.get(variable) ?? [];
      expect([byDefault, meaning]).toEqual([
        String(GUARD_DEFAULTS[option]),
        `\`${option}\`, ${grouped(min)} to ${grouped(max)}`,
      ]);
    }
  });
});

describe('members of public types', () => {
  const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, { import: { types: string } }>;
  };
  const files = ['.', './testing'].map((entry) => path.join(root, exports[entry]!.import.types));
  const members = new Map<string, string[]>();

  beforeAll(() => {
    const program = ts.createProgram(files, {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      skipLibCheck: true,
      types: ['node'],
    });
    const checker = program.getTypeChecker();
    for (const file of files) {
      const module = checker.getSymbolAtLocation(program.getSourceFile(file)!);
      for (const symbol of checker.getExportsOfModule(module!)) {
        const names = checker
          .getDeclaredTypeOfSymbol(aliased(checker, symbol))
          .getProperties()
          .filter((property) => isOurs(property))
          .map(({ name }) => name);
        members.set(symbol.name, names);
      }
    }
  }, 60_000);

  const aliased = (checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

  /** Declared in this package, under a name, and not as internal. */
  const isOurs = (property: ts.Symbol): boolean =>
    !/^(__@|#)/.test(property.name) &&
    !property.getJsDocTags().some(({ name }) => name === 'internal') &&
    (property.declarations ?? []).some((declaration) =>
      declaration.getSourceFile().fileName.startsWith(`${root}/dist/`),
    );

  it.each([
    ['LeakReport', 'LeakReport'],
    ['GuardStats', 'Stats'],
    ['CloseWaitGuardPluginOptions', 'Options of `createGuard` and the plugin'],
    ['FindLeakedSocketsOptions', '`findLeakedSockets`, `assertNoLeakedSockets`'],
    ['HangUpOptions', '`hangUp`'],
    ['AuditOptions', '`auditRoutes`'],
  ])('%s', (type, heading) => {
    expect(members.get(type)?.length, 'the type is found').toBeGreaterThan(3);
    expect(firstColumn(heading).sort()).toEqual(members.get(type)?.sort());
  });

  it('Guard, and its events', () => {
    const [methods, events] = [/^guard\.(\w+)/, /^(leak|released|reclaimed)$/].map((pattern) =>
      tableRows(reference, 'The guard').flatMap(([cell]) => pattern.exec(nameIn(cell))?.[1] ?? []),
    );
    // Listening is the emitter's.
    const own = members.get('Guard')?.filter((name) => !/^(on|once|off|addListener|removeListener|emit)$/.test(name));
    expect(methods?.sort()).toEqual(own?.sort());
    expect(events).toEqual(['leak', 'released', 'reclaimed']);
  });
});

describe('layers', () => {
  it('are those of the linter, in its order', async () => {
    const file = pathToFileURL(path.join(root, 'scripts/eslint-layers.js')).href;
    const { layers } = (await import(file)) as { layers: readonly { name: string }[] };
    const folders = layers.map(({ name }) => name).filter((name) => /^\w+$/.test(name));
    expect(firstColumn('Layers', readPage('docs/architecture.md')).filter((name) => /^src\/\w+\/$/.test(name))).toEqual(
      folders.map((name) => `src/${name}/`),
    );
  });
});

describe('the cost table in README.md', () => {
  it('is the benchmark’s, as docs/cost.md is', () => {
    const section = (page: string): string =>
      /<!-- bench:start -->([\s\S]*)<!-- bench:end -->/.exec(readPage(page).text)?.[1] ?? '';
    // Both are written by one run: a figure that stands in one of them only was put there by hand.
    const printed = section('docs/cost.md');
    const rows = section('README.md')
      .split('\n')
      .filter((row) => /^\| .*\d/.test(row));
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      const [, , figures = ''] = row.split('|');
      for (const figure of figures.match(/\d[\d,.]*/g) ?? []) expect(printed).toContain(figure);
    }
  });
});

it('README.md has 150 to 200 lines', () => {
  const lines = readPage('README.md').text.trimEnd().split('\n').length;
  expect(lines).toBeGreaterThanOrEqual(150);
  expect(lines).toBeLessThanOrEqual(200);
});
