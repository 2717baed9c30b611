/**
 * The optional packages, by literal `require` calls in a `try`: bundlers take in what is installed and leave out what is not. This file is
 * CommonJS in both forms of the package, because an ES module has no `require`, and an `import` of what is not there fails the
 * program. Nothing is loaded when it is imported.
 */
interface Tried {
  readonly found?: unknown;
  readonly failure?: unknown;
}

const REQUIRE: Readonly<Record<string, () => Tried>> = {
  '@opentelemetry/api': () => {
    try {
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      return { found: require('@opentelemetry/api') as unknown };
    } catch (failure) {
      return { failure };
    }
  },
  '@opentelemetry/api-logs': () => {
    try {
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      return { found: require('@opentelemetry/api-logs') as unknown };
    } catch (failure) {
      return { failure };
    }
  },
};

/** One of these packages, as this one would load it, or why that failed. */
function requireOptional(name: string): Tried {
  return REQUIRE[name]?.() ?? {};
}

export = requireOptional;
