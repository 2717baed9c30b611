import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../support/programs.js';
import { pages } from './docs-pages.js';

/** Programs that framework-examples.test.ts and `npm run proof` run. */
const programs = ['examples', 'test/proof/frameworks/apps'].flatMap((folder) =>
  readdirSync(path.join(root, folder))
    .filter((file) => file.endsWith('.mjs'))
    .map((file) => readFileSync(path.join(root, folder, file), 'utf8')),
);
const recipes = pages()
  .flatMap(({ blocks }) => blocks)
  .filter(({ use }) => use === 'recipe');

it('there are recipes', () => {
  expect(recipes.map(({ heading }) => heading)).toEqual([
    'Koa with @koa/router',
    'hapi',
    'Hono on @hono/node-server',
    'polka',
  ]);
});

it.each(recipes.map((recipe) => [recipe.heading, recipe] as const))(
  'that of %s is part of a program that is run',
  (_heading, { code }) => {
    expect(programs.filter((program) => program.includes(code))).not.toEqual([]);
  },
);
