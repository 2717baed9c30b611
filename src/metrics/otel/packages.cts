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
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
  '@opentelemetry/api-logs': () => {
    try {
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      return require('@opentelemetry/api-logs') as unknown;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
};

/** How Node says that a package is not there, and how bundles of webpack, vite and esbuild do. */
const MISSING = /MODULE_NOT_FOUND|Cannot find module|Could not resolve|Dynamic require of/;

function isMissing(error: unknown): boolean {
  return MISSING.test(`${String((error as NodeJS.ErrnoException).code)} ${String(error)}`);
}

/** One of these packages, as this one would load it. Undefined where it is not installed. @throws what the package throws */
function requireOptional(name: string): unknown {
  return REQUIRE[name]?.();
}

export = requireOptional;
