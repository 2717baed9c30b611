// Applies a fix to a program as somebody would who types it in: by replacing pieces of its text.

/**
 * @param file the text of a file of cases
 * @param program the text of the function in it that is fixed
 * @param fix pairs of what stands there and what is to stand there
 * @returns the file with the fixed function in it
 * @throws Error where a piece is not there exactly once
 */
export function substitute(file, program, fix) {
  const fixed = fix.reduce((text, [from, to]) => replaceOnce(text, from, to), program);
  return replaceOnce(file, program, fixed);
}

function replaceOnce(text, from, to) {
  const parts = text.split(from);
  if (parts.length !== 2)
    throw new Error(`to be replaced is what stands there once, not ${parts.length - 1} times: ${from}`);
  return parts.join(to);
}
