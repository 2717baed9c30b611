/**
 * Writes what the types of the built package say to its users: a file in api/ for each entry point, so that a change of the
 * public API is seen in review. `npm run api` rewrites the files; with --check nothing is written, and the exit code is 1 when one
 * of them is not up to date.
 *
 * Each file holds the declarations that an entry point exports, those of this package that they refer to, and what it adds to the
 * types of other packages. Comments are left out.
 */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = path.join(root, 'dist', 'cjs') + path.sep;
const printer = ts.createPrinter({ removeComments: true });

/** Text of each report by its file name. */
export function reports() {
  const { name: packageName, exports: entries } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const files = Object.entries(entries).flatMap(([entry, conditions]) => {
    const types = conditions.require?.types ?? conditions.types;
    return types === undefined ? [] : [{ entry, file: path.join(root, types) }];
  });
  const missing = files.find(({ file }) => !fs.existsSync(file));
  if (missing) throw new Error(`${path.relative(root, missing.file)} is not there: npm run build:ts`);
  const program = ts.createProgram(
    files.map(({ file }) => file),
    {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts'],
      module: ts.ModuleKind.Node16,
      types: ['node'],
      strict: true,
      skipLibCheck: true,
      noEmit: true,
    },
  );
  /** Where a declaration is written out: the first entry point that has it. */
  const writtenIn = new Map();
  return new Map(
    files.map(({ entry, file }) => {
      const reportName = `${entry === '.' ? 'index' : entry.slice(2)}.api.md`;
      return [reportName, reportOf(program, file, path.posix.join(packageName, entry), reportName, writtenIn)];
    }),
  );
}

function reportOf(program, file, specifier, reportName, writtenIn) {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = checker.getSymbolAtLocation(source);
  const exported = module ? exportsOf(checker, module) : [];
  const seen = new Set();
  const queue = exported.map(({ symbol }) => symbol);
  for (const symbol of queue) {
    if (seen.has(symbol)) continue;
    seen.add(symbol);
    for (const declaration of ownDeclarations(symbol)) queue.push(...referredTo(checker, declaration));
  }
  const names = new Map();
  for (const { name, symbol } of exported) names.set(symbol, [...(names.get(symbol) ?? []), name]);
  const sorted = (symbols) => [...symbols].sort((a, b) => compare(titleOf(a, names), titleOf(b, names)));
  const written = (symbols) => {
    const texts = symbols.filter((symbol) => !writtenIn.has(symbol)).map((symbol) => textOf(symbol, names));
    for (const symbol of symbols) if (!writtenIn.has(symbol)) writtenIn.set(symbol, reportName);
    return texts.length === 0 ? [] : ['```ts', texts.join('\n\n'), '```', ''];
  };
  const lines = [];
  if (exported.length > 0) lines.push('## Exported', '');
  const elsewhere = sorted(names.keys()).filter((symbol) => writtenIn.has(symbol));
  for (const symbol of elsewhere) lines.push(`- ${titleOf(symbol, names)}: as in ${writtenIn.get(symbol)}`);
  if (elsewhere.length > 0) lines.push('');
  lines.push(...written(sorted(names.keys())));
  const referred = written(sorted(seen).filter((symbol) => !names.has(symbol) && ownDeclarations(symbol).length > 0));
  if (referred.length > 0) lines.push('## Referred to by these, not exported', '', ...referred);
  const additions = additionsOf(program, source);
  if (additions.length > 0) lines.push('## Added to other packages', '', '```ts', additions.join('\n\n'), '```', '');
  if (lines.length === 0) lines.push('Exports nothing: it is imported for what it does.', '');
  return [`# API of \`${specifier}\``, '', 'Written by `npm run api`; do not edit.', '', ...lines].join('\n');
}

/** What a module exports by name; `export =` exports what another module, or an object, has. */
function exportsOf(checker, module) {
  const assigned = module.exports?.get('export=');
  const target = assigned ? resolved(checker, assigned) : module;
  if (target.flags & ts.SymbolFlags.Module) {
    return checker
      .getExportsOfModule(target)
      .map((symbol) => ({ name: symbol.name, symbol: resolved(checker, symbol) }));
  }
  // A property that is a function stands for that function.
  return checker
    .getPropertiesOfType(checker.getTypeOfSymbol(target))
    .map((symbol) => ({ name: symbol.name, symbol: checker.getTypeOfSymbol(symbol).symbol ?? symbol }));
}

function resolved(checker, symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** What stands for a name in the source: a whole statement, and not a member or a parameter. */
function ownDeclarations(symbol) {
  return (symbol.declarations ?? [])
    .filter((node) => node.getSourceFile().fileName.startsWith(dist))
    .map((node) => (ts.isVariableDeclaration(node) ? node.parent.parent : node))
    .filter((node) => ts.isSourceFile(node.parent));
}

/** Names of this package that a declaration mentions. */
function referredTo(checker, declaration) {
  const found = [];
  const visit = (node) => {
    const name = ts.isImportTypeNode(node) ? node.qualifier : ts.isIdentifier(node) ? node : undefined;
    const symbol = name && checker.getSymbolAtLocation(name);
    const target = symbol && resolved(checker, symbol);
    if (target && ownDeclarations(target).length > 0 && !(target.flags & ts.SymbolFlags.Module)) found.push(target);
    ts.forEachChild(node, visit);
  };
  visit(declaration);
  return found;
}

function textOf(symbol, names) {
  const own = [...new Set(ownDeclarations(symbol))];
  const text = own.map((node) => printed(node)).join('\n');
  const others = (names.get(symbol) ?? []).filter((name) => name !== symbol.name);
  return [text, ...others.map((name) => `export { ${symbol.name} as ${name} };`)].join('\n');
}

function printed(node) {
  return printer
    .printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())
    .replace(/^export (?:declare )?|^declare /, '')
    .replace(/\n\s*\n/g, '\n');
}

function titleOf(symbol, names) {
  return names.get(symbol)?.[0] ?? symbol.name;
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `declare module` and `declare global` of the files that an entry point reaches. */
function additionsOf(program, entry) {
  const reached = new Set();
  const queue = [entry];
  for (const file of queue) {
    if (!file?.fileName.startsWith(dist) || reached.has(file)) continue;
    reached.add(file);
    for (const node of file.imports ?? []) {
      const target = program.getResolvedModuleFromModuleSpecifier?.(node, file)?.resolvedModule;
      if (target) queue.push(program.getSourceFile(target.resolvedFileName));
    }
  }
  return [...reached]
    .sort((a, b) => compare(a.fileName, b.fileName))
    .flatMap((file) =>
      file.statements.filter((node) => ts.isModuleDeclaration(node)).map((node) => `declare ${printed(node)}`),
    );
}

function main() {
  const folder = path.join(root, 'api');
  const current = reports();
  if (process.argv.includes('--check')) {
    const outdated = [...current]
      .filter(([name, text]) => readOr(path.join(folder, name)) !== text)
      .map(([name]) => name);
    if (outdated.length > 0) {
      console.error(
        `api/${outdated.join(', api/')}: not what the built types say. If the change is meant: npm run api`,
      );
      process.exitCode = 1;
    }
    return;
  }
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder);
  for (const [name, text] of current) fs.writeFileSync(path.join(folder, name), text);
}

function readOr(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
