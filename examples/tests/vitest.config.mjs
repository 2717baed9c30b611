import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Fails any test that leaves a leaked socket behind; no test has to ask for it.
    setupFiles: ['close-wait-guard/vitest'],
  },
});
