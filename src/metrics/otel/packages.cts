/**
 * The optional packages, by literal `require` calls in a `try`: bundlers take in what is installed and leave out what is not. This file is
 * CommonJS in both forms of the package, because an ES module has no `require`, and an `import` of what is not there fails the
 * program. Nothing is loaded when it is imported.
 */
const REQUIRE: Readonly<Record<string, () => unknown>> = {
  '@opentelemetry/api': () => {
    try {
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      return require('@opentelemetry/api') as unknown;
    } catch (error) {
      return undefinedIfMissing(error);
    }
  },
  '@opentelemetry/api-logs': () => {
    try {
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      return require('@opentelemetry/api-logs') as unknown;
    } catch (error) {
      return undefinedIfMissing(error);
    }
  },
};

/** How Node says that a package is not there, and how bundles of webpack, vite and esbuild do. */
const MISSING = /MODULE_NOT_FOUND|Cannot find module|Could not resolve|Dynamic require of/;

function undefinedIfMissing(error: unknown): undefined {
  if (MISSING.test(`${String((error as NodeJS.ErrnoException).code)} ${String(error)}`)) return undefined;
  throw error;
}

/** One of these packages, as this one would load it. Undefined where it is not installed. @throws what the package throws */
function requireOptional(name: string): unknown {
  return REQUIRE[name]?.();
}

export = requireOptional;
