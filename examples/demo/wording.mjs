/** Words that several chapters use. */

/** How many connections of chapter 2 end up in a leaky handler. */
export const LEAKS_EXPECTED = 6;

/** A route where there is one, else the raw server. */
export const whose = ({ method, route, server }) => (route === undefined ? server : `${method} ${route}`);
export const address = (port) => `127.0.0.1:${port}`;
