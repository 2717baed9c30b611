import { defineConfig } from 'vitest/config';

/** The unit tests of src/leaks, for `npm run mutation`: each mutant is tried on those that reach it. */
export default defineConfig({
  oxc: { include: /\.[cm]?ts$/ },
  test: {
    include: [
      'test/unit/{causes,client-sentences,diagnosis,loop-clock,sentences,tracker}.test.ts',
      'test/unit/properties/{loop-clock,tracker}.test.ts',
    ],
  },
});
