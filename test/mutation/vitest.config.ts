import { defineConfig } from 'vitest/config';

/**
 * The unit tests of src/leaks, for `npm run mutation`: each mutant is tried on those that reach it, and one of a constant on all of them. The
 * properties (test/unit/properties) are left out, since they would take most of the time.
 */
export default defineConfig({
  oxc: { include: /\.[cm]?ts$/ },
  test: {
    include: ['test/unit/{causes,client-sentences,diagnosis,loop-clock,reproduction,sentences,tracker}.test.ts'],
  },
});
