import { readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * The folders of src/ are its layers, bottom up: a folder may import itself and the folders before it in this list, nothing
 * else. A row makes an exception narrower: `imports` names the folders whose values it may use where these are fewer, the
 * rest then lends its types only, which are erased. `packages` are the bare specifiers that may be imported as values (a
 * trailing colon or slash matches a prefix); a row with `packageTypes: false` may not name the types of any package.
 */
const folders = [
  // Closed sets, errors, escaping, clock, channels: what every layer speaks of.
  { name: 'base', packages: ['node:'], packageTypes: false },
  // The only folder that touches the addon.
  { name: 'kernel', packages: ['node:'] },
  // What stands above one fd.
  { name: 'layers', packages: ['node:'] },
  // Which sockets there are.
  { name: 'sockets', packages: ['node:'] },
  // Whose a request is and which route took it, as the request shows it.
  { name: 'routes', imports: ['base', 'layers', 'sockets'], packages: ['node:'] },
  // What each API calls a thing: data.
  { name: 'apis', imports: ['base'], packages: [], packageTypes: false },
  // Pure: it knows the shape of the facts it judges, and nothing that could fetch one.
  { name: 'leaks', imports: ['base', 'apis'], packages: [], packageTypes: false },
  { name: 'guard', packages: ['node:'] },
  { name: 'metrics', imports: ['base', 'guard'], packages: ['node:'] },
  // The page that a person reads.
  { name: 'page', imports: ['base', 'guard'], packages: ['node:'] },
  { name: 'frameworks', packages: ['node:', 'fastify-plugin'] },
  { name: 'preload', packages: ['node:'] },
  // The command: a process is looked at from outside, or from a guard that is put into it.
  { name: 'inspect', packages: ['node:'] },
  { name: 'testing/runners', packages: ['node:', 'vitest', 'vitest/', '@jest/globals'] },
  { name: 'testing', packages: ['node:', 'json-schema-faker'] },
];
/** A part of testing/, which stands above all else in it. */
const RUNNERS = 'testing/runners';
const order = [
  'base',
  'kernel',
  'layers',
  'sockets',
  'routes',
  'apis',
  'leaks',
  'guard',
  'metrics',
  'page',
  'frameworks',
  'preload',
  'inspect',
];
/** What no test is checked with: those neither serve pages, nor preload, nor look at other processes. */
const notForTests = ['metrics', 'page', 'preload', 'inspect'];

export const layers = [
  ...folders.map(({ name, imports, packages, packageTypes }) => {
    const below =
      name === RUNNERS || name === 'testing'
        ? order.filter((folder) => !notForTests.includes(folder))
        : order.slice(0, order.indexOf(name));
    return {
      name,
      files: [`${name}/`],
      imports: [...(imports ?? below), ...(name === RUNNERS ? ['testing'] : [])],
      types: below,
      packages,
      packageTypes,
    };
  }),
  // The top level is what package.json exports.
  {
    name: 'entry point',
    files: entryPoints(),
    imports: [...order, 'testing', RUNNERS],
    types: [],
    packages: [],
  },
];

/** The sources of what package.json exports or calls a command, each a file at the top of src/. */
function entryPoints() {
  const { bin, exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const commands = Object.values(bin).map((file) => path.basename(file, '.js'));
  return Object.keys(exports)
    .filter((name) => !name.endsWith('.json'))
    .map((name) => (name === '.' ? 'index' : name.slice('./'.length)))
    .concat(commands)
    .flatMap((name) => [`${name}.ts`, `${name}.cts`]);
}

const owns = (pattern, name) =>
  pattern.endsWith('/') || pattern.endsWith(':') ? name.startsWith(pattern) : name === pattern;
const layerOf = (file) => layers.find((layer) => layer.files.some((pattern) => owns(pattern, file)));

/** ESLint rule: imports in src/ only go down the table above. Sees static, type, dynamic and re-exporting imports. */
export const importsGoDown = {
  meta: {
    type: 'problem',
    docs: { description: 'imports in src/ only go down the layers' },
    schema: [],
    messages: {
      noLayer: 'src/{{file}} belongs to no layer: give it one in scripts/eslint-layers.js.',
      layer: 'The {{from}} layer must not import {{what}} ({{to}} layer). Imports only go down.',
      typesOnly: 'The {{from}} layer may import only types of the {{to}} layer: use "import type".',
      package: 'The {{from}} layer must not import {{what}}.',
      outside: 'src must not import {{what}}, which is outside of src.',
    },
  },
  create(context) {
    const source = path.join(context.cwd, 'src');
    const file = path.relative(source, context.filename).split(path.sep).join('/');
    if (file.startsWith('..')) return {};
    const from = layerOf(file);
    if (!from) return { Program: (node) => context.report({ node, messageId: 'noLayer', data: { file } }) };

    function check(node, specifier, isType) {
      if (typeof specifier !== 'string') return;
      const report = (messageId, to) =>
        context.report({ node, messageId, data: { from: from.name, what: `'${specifier}'`, to } });

      if (!specifier.startsWith('.')) {
        const allowed = isType
          ? from.packageTypes !== false
          : from.packages.some((pattern) => owns(pattern, specifier));
        if (!allowed) report('package');
        return;
      }
      const target = path.posix
        .normalize(path.posix.join(path.posix.dirname(file), specifier))
        .replace(/\.(c?)js$/, '.$1ts');
      if (target.startsWith('..')) return report('outside');
      const to = layerOf(target);
      if (!to || to === from || from.imports.includes(to.name)) return;
      if (!from.types.includes(to.name)) return report('layer', to.name);
      if (!isType) report('typesOnly', to.name);
    }

    return {
      ImportDeclaration: (node) => check(node, node.source.value, node.importKind === 'type'),
      ExportNamedDeclaration: (node) => check(node, node.source?.value, node.exportKind === 'type'),
      ExportAllDeclaration: (node) => check(node, node.source.value, node.exportKind === 'type'),
      ImportExpression: (node) => check(node, node.source.value, false),
      TSImportType: (node) => check(node, node.source?.value ?? node.argument?.literal?.value, true),
    };
  },
};
