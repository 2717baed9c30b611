/**
 * The first part of the page's script: words, numbers, and how elements are made and kept. Text gets into the page through
 * textContent alone, whatever it holds. No backticks and no backslashes: it stands in a string.
 */
export const BASICS = `
const byId = (id) => document.getElementById(id);
const make = (name, className, text) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
const inside = (parent, ...nodes) => {
  parent.append(...nodes);
  return parent;
};
/* A node that says the same as before is left alone: a selection and a reader's place in it stay. */
const put = (node, text) => {
  const said = text === undefined || text === null ? '' : String(text);
  if (node.textContent !== said) node.textContent = said;
};
const show = (node, yes) => {
  if (node.hidden === Boolean(yes)) node.hidden = !yes;
};
const numbers = new Intl.NumberFormat('en-US');
const count = (value) => numbers.format(value);
const many = (value, one, more) => count(value) + ' ' + (value === 1 ? one : more);
const two = (value) => String(value).padStart(2, '0');
const span = (ms) => {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return s + ' s';
  if (s < 3600) return Math.floor(s / 60) + ' min ' + two(s % 60) + ' s';
  if (s < 86400) return Math.floor(s / 3600) + ' h ' + two(Math.floor((s % 3600) / 60)) + ' min';
  return Math.floor(s / 86400) + ' d ' + two(Math.floor((s % 86400) / 3600)) + ' h';
};
const clock = (date) => two(date.getHours()) + ':' + two(date.getMinutes()) + ':' + two(date.getSeconds());

const addressOf = (address, port) => {
  if (!address) return '';
  return (address.includes(':') ? '[' + address + ']' : address) + (port === undefined ? '' : ':' + port);
};
const subjectOf = (leak) => {
  const asked = [leak.method, leak.route || leak.path].filter(Boolean).join(' ');
  return asked || leak.destination || leak.server || addressOf(leak.localAddress, leak.localPort) || 'fd ' + leak.fd;
};

/* Moved without the focus being lost. */
const moveBefore = (parent, node, next) => {
  const active = document.activeElement;
  parent.insertBefore(node, next);
  if (active !== document.activeElement && node.contains(active)) active.focus({ preventScroll: true });
};

/*
 * Makes the children of a parent those of the items, in their order: what is there already is changed in place, and moved only
 * where its order has changed. A step for each item.
 */
function* sync(parent, views, items, keyOf, makeView) {
  const wanted = new Map(items.map((item) => [keyOf(item), item]));
  for (const [key, view] of views) {
    if (wanted.has(key)) continue;
    const hadFocus = view.node.contains(document.activeElement);
    const neighbour = view.node.nextElementSibling || view.node.previousElementSibling;
    view.node.remove();
    views.delete(key);
    if (hadFocus) ((neighbour && neighbour.querySelector('[data-focus]')) || byId('leaks')).focus({ preventScroll: true });
  }
  let next = parent.firstElementChild;
  for (const [key, item] of wanted) {
    let view = views.get(key);
    if (!view) views.set(key, (view = makeView()));
    /* The one in its place comes later, and is moved when its turn has come. */
    if (next && view.node === next.nextElementSibling) next = view.node;
    if (view.node === next) next = next.nextElementSibling;
    else moveBefore(parent, view.node, next);
    view.update(item);
    yield;
  }
}

/* Long work holds the page for no longer than this at once: keys, clicks and frames come in between. */
const SLICE_MS = 10;
const inSlices = async (steps) => {
  let startedAt = performance.now();
  while (!steps.next().done) {
    if (performance.now() - startedAt < SLICE_MS) continue;
    await new Promise((resolve) => setTimeout(resolve));
    startedAt = performance.now();
  }
};
`;
