import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { importsGoDown } from './scripts/eslint-layers.js';

const typescript = ['**/*.ts', '**/*.cts', '**/*.mts'];

/** What test runners replace by fakes, and where src/ has the real ones. */
const fakeable = [
  ...['Date', 'performance'].map((name) => [name, 'read the clock with src/base/clock.ts']),
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'].map((name) => [
    name,
    "import timers from 'node:timers', or wait with src/testing/check/wait.ts",
  ]),
];
const REAL_TIME = 'Fake timers stop it, and real sockets keep real time:';

/** Things a pure function cannot have: the clock and every other input are passed in. */
const impure = [
  'Date',
  'performance',
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'require',
];

export default defineConfig(
  globalIgnores(['dist/', 'build/', 'prebuilds/', 'coverage/', '.scratch/', 'test/fixtures/']),
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-empty': ['error', { allowEmptyCatch: false }],
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },

  {
    // Where a fix is typed in, it needs what the handler is given.
    files: ['test/proof/frameworks/apps/**'],
    rules: { 'no-unused-vars': ['error', { args: 'none' }] },
  },

  {
    files: typescript,
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // As TypeScript's own noUnusedLocals has it: a leading underscore says "on purpose".
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // The layout of the addon's columns is documented; `values[i]!` in a bounded loop is clearer than a guard that cannot fail.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },

  {
    files: ['src/**/*.{ts,cts}'],
    plugins: { layers: { rules: { 'imports-go-down': importsGoDown } } },
    rules: {
      'layers/imports-go-down': 'error',
      // A library has no console: what it has to say goes to the caller's logger, an event, or process.emitWarning.
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: 'CatchClause[body.body.length=0]',
          message: 'An error is handled or counted, never dropped: no empty catch.',
        },
        { selector: 'TSEnumDeclaration', message: 'Use a const object or a union of literals.' },
      ],
    },
  },
  {
    files: ['src/**/*.{ts,cts}'],
    ignores: ['src/base/clock.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...fakeable.map(([name, instead]) => ({ name, message: `${REAL_TIME} ${instead}.` })),
      ],
      'no-restricted-properties': [
        'error',
        ...['hrtime', 'uptime'].map((property) => ({
          object: 'process',
          property,
          message: `${REAL_TIME} read the clock with src/base/clock.ts.`,
        })),
      ],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:perf_hooks', message: 'Read the clock with src/base/clock.ts.', allowTypeImports: true },
            { name: 'node:timers/promises', message: 'Wait with src/testing/check/wait.ts.', allowTypeImports: true },
            { name: 'node:http', message: 'It loads undici: take it from src/base/http.ts.', allowTypeImports: true },
          ],
        },
      ],
    },
  },
  {
    files: ['src/*.{ts,cts}'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'Program > :not(ExportNamedDeclaration[source], ExportAllDeclaration, ImportDeclaration[specifiers.length=0], TSImportEqualsDeclaration, TSExportAssignment)',
          message: 'The top level of src/ is what package.json exports: re-exports, nothing else.',
        },
      ],
    },
  },
  {
    files: ['src/leaks/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...impure.map((name) => ({
          name,
          message: 'src/leaks is pure: the caller passes the clock and the facts in.',
        })),
      ],
    },
  },

  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'MemberExpression[object.name=/^(it|test|describe|suite)$/][property.name="only"]',
          message: 'Run one test with `npx vitest run <file> -t <name>`; .only would hide the others.',
        },
        {
          selector: 'MemberExpression[object.name=/^(it|test|describe|suite)$/][property.name=/^(skip|todo)$/]',
          message: 'Skip with context.skip(condition, reason): the summary lists what was not tested, and why.',
        },
      ],
      // Tests look into `any` that comes from JSON, from child processes and from the addon on purpose.
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/restrict-plus-operands': ['error', { allowAny: true, allowNumberAndString: true }],
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-misused-promises': 'off',
    },
  },

  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: Object.fromEntries(
        ['process', 'console', 'Buffer', 'URL', 'fetch', 'performance', 'AbortController', 'AbortSignal']
          .concat(['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'])
          .concat(['queueMicrotask', 'structuredClone', 'TextEncoder', 'TextDecoder'])
          .map((name) => [name, 'readonly']),
      ),
    },
  },
);
