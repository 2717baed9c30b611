/**
 * Where this package lies, for the few things that depend on it: the addon's file, which stack frames are its own, and what
 * a message calls this copy. This
 * file is CommonJS in both forms of the package, because `import.meta` exists in one of them only and a bundler's output
 * has neither. Nothing is computed when it is imported.
 */

/**
 * The package's folder, without a slash at its end; undefined where this code is part of a bundle, whose folder says
 * nothing of the package.
 */
function packageFolder(): string | undefined {
  try {
    // In a bundle the name is the bundle's, a bundler's made-up one, or no variable at all.
    const [, folder] =
      /^(.*)[\\/](?:dist|dist[\\/]cjs|src)[\\/]base[\\/]package-folder\.c[jt]s$/.exec(__filename) ?? [];
    return folder;
  } catch {
    return undefined;
  }
}

export = packageFolder;
