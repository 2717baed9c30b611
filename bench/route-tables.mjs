// Route tables and paths to try the route look-up with: pseudo-random, the same for the same seed. What is odd in them is
// there on purpose: several parameters in one segment, wildcards beside them, and paths that come close to matching.

const SEGMENTS = [
  'a',
  'ab',
  'Ab',
  'items',
  'near',
  'odd::colon',
  'caf\u00e9',
  'per%cent',
  ':id',
  ':name',
  ':a-:b',
  ':a-:b-:c',
  ':a.:b',
  ':file.json',
  ':x-:y.:z',
  ':n(^\\d+$)',
  ':w(^[a-z]+$)',
  ':h(^\\d{2})h:m(^\\d{2})m',
  ':lang(^(?:en|de)$)',
];
const METHODS = ['GET', 'GET', 'GET', 'POST', 'DELETE'];
const HOSTS = ['one.test', 'two.test'];
const VERSIONS = ['1.2.0', '2.0.0'];
const VALUES = [
  '7',
  '42',
  'x',
  'en',
  'a-b',
  'a-b-c',
  'x.json',
  '08h15m',
  'items',
  'a%2Fb',
  'a%20b',
  'caf%C3%A9',
  '%25',
  'a;b=1',
  'A',
];
const ODD = [
  '-',
  '--',
  '-.',
  '.',
  '%2F',
  '%25',
  '%2525',
  'a-',
  '-a',
  '/',
  '//',
  '/-',
  'a/',
  '/a',
  '%',
  '%zz',
  ';',
  ':',
  '*',
  '1',
  'h',
  '%C3%A9',
];

/** A generator of numbers in [0, 1) (mulberry32). */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Options of a Fastify and the routes to declare in it; some of them may be refused, as double ones are. */
export function tableOf(seed) {
  const random = randomOf(seed);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const chance = (p) => random() < p;
  const constrained = chance(0.3);
  const routes = [];
  for (let i = 1 + Math.floor(random() * 12); i > 0; i--) {
    const segments = Array.from({ length: Math.floor(random() * 4) }, () => pick(SEGMENTS));
    let url = `/${segments.join('/')}`;
    const last = random();
    if (last < 0.15) url = url === '/' ? '/*' : `${url}/*`;
    else if (last < 0.25 && url !== '/') url = `${url}/:last?`;
    else if (last < 0.35 && url !== '/') url = `${url}/`;
    const constraints = {};
    if (constrained && chance(0.4)) constraints.host = chance(0.3) ? /^(one|two)\.test$/ : pick(HOSTS);
    if (constrained && chance(0.3)) constraints.version = pick(VERSIONS);
    routes.push({ method: pick(METHODS), url, constraints });
  }
  if (chance(0.3)) routes.push({ method: 'GET', url: '*', constraints: {} });
  const options = {
    routerOptions: {
      ignoreTrailingSlash: chance(0.3),
      ignoreDuplicateSlashes: chance(0.3),
      caseSensitive: !chance(0.3),
      useSemicolonDelimiter: chance(0.3),
      maxParamLength: chance(0.3) ? 20_000 : 100,
    },
  };
  return { options, routes, random };
}

/** Declares them in an application, each with a handler that answers with its pattern. */
export function declare(app, routes) {
  for (const route of routes) {
    try {
      app.route({ ...route, handler: async (request) => ({ url: request.routeOptions.url }) });
    } catch {
      // Double, or not to be had in one table.
    }
  }
}

/** Requests to a table: paths that match its patterns, or nearly so. */
export function requestsOf({ routes, random }, count, length = 0) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  return Array.from({ length: count }, () => {
    const { method, url } = pick(routes);
    let path = url
      .replace('::', ':')
      .replace(/\?$/, '')
      .replace(/:[a-z]+(\([^/]*?\$?\))?/gi, () => pick(VALUES))
      .replace('*', () => `${pick(VALUES)}/${pick(VALUES)}`);
    if (random() < 0.3) path = insert(path, pick(ODD), random);
    if (random() < 0.1) path = path.toUpperCase();
    if (length > 0) {
      // Where it comes close to matching: in the middle of it, and at any other place.
      const piece = pick(ODD.filter((odd) => !odd.startsWith('%z') && odd !== '%'));
      path = insert(path, piece.repeat(Math.ceil(length / piece.length)), random);
    }
    if (random() < 0.2) path += pick(['?a=/items/7', '#top', ';x=1', '?', '/']);
    // Node's parser takes no other.
    if (!path.startsWith('/')) path = `/${path}`;
    const headers = {};
    if (random() < 0.7) headers.host = pick([...HOSTS, 'three.test']);
    if (random() < 0.3) headers['accept-version'] = pick([...VERSIONS, '1.x', '9.9.9']);
    return { method: random() < 0.1 ? pick(METHODS) : method, url: encodeNonAscii(path), headers };
  });
}

function insert(text, piece, random) {
  const at = 1 + Math.floor(random() * text.length);
  return text.slice(0, at) + piece + text.slice(at);
}

function encodeNonAscii(path) {
  return path.replace(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character));
}
