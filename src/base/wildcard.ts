/**
 * Whether a text fits a pattern in which `*` stands for any characters, also for none. Takes linear time: the text may be one
 * that a client chose.
 */
export function wildcard(pattern: string): (text: string | undefined) => boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  return (text) => {
    if (text === undefined) return false;
    if (last === undefined) return text === first;
    if (!text.startsWith(first)) return false;
    let at = first.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return text.length - last.length >= at && text.endsWith(last);
  };
}

/** What a request went to: its method, and its route or path. */
export interface Routed {
  readonly method: string | undefined;
  readonly route: string | undefined;
}

/** In words, as an error says it. */
export const ROUTE_PATTERN_TAKES = `a route as reports have it, with * for any characters and a method in front where it matters, as in '/legacy/*' or 'POST /items/:id'`;

const ROUTE_PATTERN = /^(?:([A-Z-]{1,20}) )?([/*]\S{0,299})$/;

/** Undefined when it is no such pattern. */
export function routePattern(pattern: unknown): ((request: Routed) => boolean) | undefined {
  const [, method, route] = (typeof pattern === 'string' ? ROUTE_PATTERN.exec(pattern) : null) ?? [];
  if (route === undefined) return undefined;
  const fits = wildcard(route);
  return (request) => (method === undefined || method === request.method) && fits(request.route);
}
