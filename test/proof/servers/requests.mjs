// The requests of a description.

/** `large`: more than the kernel's buffers hold. `poll`: answers late. `unanswered`: never, by design. */
export const get = (path, more = {}) => ({ method: 'GET', path, ...more });

/** `begins`: what a body of any size begins with, so that the server's parser goes on with it. `body`: one that it accepts. */
export const post = (path, more = {}) => ({ method: 'POST', path, takesBody: true, ...more });

/** `message`: what a WebSocket client says; a ping when there is none. `refused`: there is no WebSocket. */
export const upgrade = (path, more = {}) => ({ method: 'GET', path, upgrade: true, ...more });

export const JSON_BODY = { type: 'application/json', begins: '{"name":"', body: '{"name":"proof"}' };

export const FORM = {
  type: 'multipart/form-data; boundary=proof',
  begins: '--proof\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n',
  body: '--proof\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\nproof\r\n--proof--\r\n',
};

/** A file that does not fit into the buffers of both ends. */
export const LARGE = Buffer.alloc(24_000_000, 'large file ');

/** What a static server serves. */
export const SITE = { 'site/index.html': '<!doctype html><title>proof</title>', 'site/large.bin': LARGE };
