import path from 'node:path';

/**
 * The layers of src/, drawn once: a file may import its own layer and what its row names, nothing else.
 * `types` may be imported as types only, which are erased. `packages` are the bare specifiers that may be imported
 * as values (a trailing colon or slash matches a prefix); a row without `packageTypes: false` may name the types of any package.
 * The first row whose `files` match owns the file.
 */
export const layers = [
  // Closed sets that every layer speaks of: TCP states, kinds, causes. Pure.
  {
    name: 'words',
    files: ['kernel/tcp-states.ts', 'leaks/report.ts'],
    imports: [],
    types: ['kernel', 'sockets'],
    packages: [],
    packageTypes: false,
  },
  {
    name: 'base',
    files: ['base/'],
    imports: [],
    types: [],
    packages: ['node:'],
    packageTypes: false,
  },
  {
    name: 'leaf',
    files: ['errors.ts', 'options.ts', 'kernel/clock.ts'],
    imports: ['words', 'base'],
    types: [],
    packages: ['node:'],
  },
  { name: 'kernel', files: ['kernel/'], imports: ['words', 'base', 'leaf'], types: [], packages: ['node:'] },
  {
    name: 'sockets',
    files: ['sockets/'],
    imports: ['words', 'base', 'leaf', 'kernel'],
    types: [],
    packages: ['node:'],
  },
  // Pure: it knows the shape of the facts it judges, and nothing that could fetch one.
  {
    name: 'leaks',
    files: ['leaks/'],
    imports: ['words', 'leaf'],
    types: ['kernel', 'sockets'],
    packages: [],
    packageTypes: false,
  },
  {
    name: 'guard',
    files: ['guard.ts', 'guard/'],
    imports: ['words', 'base', 'leaf', 'kernel', 'sockets', 'leaks'],
    types: [],
    packages: ['node:'],
  },
  // What an application's router knows, and how it reads patterns.
  { name: 'routes', files: ['routes/'], imports: ['words', 'base', 'leaf'], types: [], packages: [] },
  // The adapters know the guard and not each other, but that the plugin and the preload serve the metrics.
  {
    name: 'prometheus',
    files: ['prometheus.ts', 'metrics/'],
    imports: ['words', 'base', 'leaf', 'guard'],
    types: [],
    packages: ['node:'],
  },
  {
    name: 'fastify',
    files: ['fastify.ts'],
    imports: ['words', 'base', 'leaf', 'guard', 'routes', 'prometheus'],
    types: [],
    packages: ['node:', 'fastify-plugin'],
  },
  {
    name: 'register',
    files: ['register.ts', 'preload/'],
    imports: ['words', 'base', 'leaf', 'kernel', 'guard', 'prometheus'],
    types: [],
    packages: ['node:'],
  },
  {
    name: 'test runner',
    files: ['testing/vitest.ts', 'testing/jest.cts', 'testing/node-test.ts'],
    imports: ['words', 'base', 'leaf', 'guard', 'testing'],
    types: [],
    packages: ['node:', 'vitest', 'vitest/', '@jest/globals'],
  },
  {
    name: 'testing',
    files: ['testing/'],
    imports: ['words', 'base', 'leaf', 'guard', 'routes'],
    types: [],
    packages: ['node:', 'json-schema-faker'],
  },
  {
    name: 'index',
    files: ['index.ts'],
    imports: ['words', 'base', 'leaf', 'guard', 'fastify'],
    types: ['kernel', 'sockets', 'leaks', 'prometheus'],
    packages: [],
  },
];

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
