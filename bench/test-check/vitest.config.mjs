/** With BENCH_CHECK=1 as a project that wants its leaks found. */
export default {
  test: {
    include: ['vitest.mjs'],
    setupFiles: process.env.BENCH_CHECK === '1' ? ['close-wait-guard/vitest'] : [],
  },
};
