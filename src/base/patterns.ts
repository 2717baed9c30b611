/** A piece of a route's pattern: text as it is, or a parameter (`*` is the wildcard's name). */
export type PatternPart = string | { readonly name: string; readonly regex: RegExp | undefined };

/** Tried in this order for a parameter that has a regular expression, or no schema. */
const PARAMETER_VALUES = [
  '1',
  'sample',
  'a',
  'A1',
  '2024-01-31',
  '2024',
  '12345',
  '497f6eca-6276-4993-bfeb-53cbbbba6f08',
  'en',
  'en-US',
  'sample.txt',
  'user@example.com',
  '0123456789abcdef01234567',
];

/** The pieces of a pattern as find-my-way reads it: `/items/:id(^\\d+$)`, `/a/:x-:y`, `/files/*`, `/odd::colon`. */
export function patternParts(pattern: string): PatternPart[] {
  const parts: PatternPart[] = [];
  let text = '';
  const push = (part: PatternPart): void => {
    if (text !== '') parts.push(text);
    text = '';
    parts.push(part);
  };
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i]!;
    if (character === '*') push({ name: '*', regex: undefined });
    else if (character !== ':') text += character;
    else if (pattern[i + 1] === ':') text += pattern[i++]!;
    else {
      const name = /^[^/(.-]*/.exec(pattern.slice(i + 1))![0];
      i += name.length;
      const regex = pattern[i + 1] === '(' ? parenthesised(pattern, i + 1) : '';
      i += regex.length;
      if (pattern[i + 1] === '?') i++;
      push({ name: name.replace(/\?$/, ''), regex: regex === '' ? undefined : whole(regex) });
    }
  }
  if (text !== '') parts.push(text);
  return parts;
}

/**
 * The path with its parameters filled in. A value that does not fit the parameter's regular expression, or would make it
 * another path, is replaced.
 * @throws Error naming the parameter that none of the values fits
 */
export function fillPattern(parts: readonly PatternPart[], values: Readonly<Record<string, unknown>>): string {
  const path = parts
    .map((part) => {
      if (typeof part === 'string') return encodeURI(part);
      const { name, regex } = part;
      const given = values[name];
      const candidates =
        typeof given === 'string' || typeof given === 'number' || typeof given === 'boolean' ? [String(given)] : [];
      const value = [...candidates, ...literalOf(regex), ...PARAMETER_VALUES].find(
        (text) => text !== '' && (regex?.test(text) ?? true),
      );
      if (value === undefined) throw new Error(`no value is known for its parameter ${name}: give it an example`);
      return name === '*' ? encodeURI(value) : encodeURIComponent(value);
    })
    .join('');
  // A route declared as `*` takes what starts with a slash, as every path does.
  return path.startsWith('/') ? path : `/${path}`;
}

/** What a regular expression without alternatives and classes asks for: `metrics` of `^metrics$`. */
function literalOf(regex: RegExp | undefined): string[] {
  const [, source] = /^\^\(\?:(.*)\)\$$/.exec(regex?.source ?? '') ?? [];
  return source === undefined ? [] : [source.replace(/\\(.)/g, '$1')];
}

/** From an opening parenthesis to the one that closes it. */
function parenthesised(pattern: string, start: number): string {
  let depth = 0;
  for (let i = start; i < pattern.length; i++) {
    if (pattern[i] === '\\') i++;
    else if (pattern[i] === '(') depth++;
    else if (pattern[i] === ')' && --depth === 0) return pattern.slice(start, i + 1);
  }
  return pattern.slice(start);
}

/** The router tests the whole parameter. */
function whole(regex: string): RegExp {
  return new RegExp(`^(?:${regex.slice(1, -1).replace(/^\^/, '').replace(/\$$/, '')})$`);
}
