/** The second part of the page's script: how a group of equal leaks and a closed leak look. */
export const VIEWS = `
const KINDS = ['close-wait', 'reset', 'stalled'];
const DOCS = 'https://github.com/close-wait-guard/close-wait-guard/blob/main/docs/causes/';

const cell = (row, className, text) => inside(row, make('td', className, text));

/* Rows that there is nothing for are hidden. */
const factList = (...names) => {
  const list = make('dl', 'facts');
  const rows = new Map(names.map((name) => {
    const pair = [make('dt', '', name), make('dd')];
    list.append(...pair);
    return [name, pair];
  }));
  const set = (name, text) => {
    const [term, said] = rows.get(name);
    put(said, text);
    show(term, text);
    show(said, text);
    show(list, [...rows.values()].some(([each]) => !each.hidden));
  };
  return { list, set };
};

const waiting = (leak) => [
  leak.unreadKernelBytes && count(leak.unreadKernelBytes) + ' unread in the kernel',
  leak.unreadStreamBytes && count(leak.unreadStreamBytes) + ' unread in streams',
  leak.unsentBytes && count(leak.unsentBytes) + ' unsent',
].filter(Boolean).join(', ');

const traceOf = (leak) => [
  leak.traceId && 'trace ' + leak.traceId,
  leak.spanId && 'span ' + leak.spanId,
  leak.requestId && 'request ' + leak.requestId,
].filter(Boolean).join(', ');

const copyText = async (text, from) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    /* Without TLS a page that is not at this machine has no clipboard: what is selected is copied. */
    getSelection().selectAllChildren(from);
    return document.execCommand('copy');
  }
};

const testView = () => {
  const node = make('details');
  const code = make('pre');
  const button = make('button', '', 'Copy');
  button.type = 'button';
  let back;
  button.addEventListener('click', async () => {
    const done = await copyText(code.textContent, code);
    put(button, done ? 'Copied' : 'Not copied');
    announce(done ? 'The test is copied.' : 'The test could not be copied: it is selected.', true);
    clearTimeout(back);
    back = setTimeout(() => put(button, 'Copy'), 2000);
  });
  inside(node, make('summary', '', 'A test that makes it again'), inside(make('div', 'test'), code, button));
  return {
    node,
    update: (text, subject) => {
      put(code, text);
      show(node, text);
      button.setAttribute('aria-label', 'Copy the test of ' + subject);
    },
  };
};

const socketTable = () => {
  const node = make('details');
  const title = make('summary');
  const body = make('tbody');
  const names = ['age', 'fd', 'peer', 'asked for', 'trace or request', 'process'];
  const head = make('tr');
  names.forEach((name, i) => {
    const th = make('th', i < 2 ? 'number' : '', name);
    th.scope = 'col';
    head.append(th);
  });
  const scroll = make('div', 'scroll');
  scroll.tabIndex = 0;
  scroll.setAttribute('role', 'group');
  inside(node, title, inside(scroll, inside(make('table'), inside(make('thead'), head), body)));
  const views = new Map();
  const rowView = () => {
    const row = make('tr');
    names.forEach((name, i) => cell(row, i < 2 ? 'number' : i === 3 ? 'wide' : 'short'));
    const [age, fd, peer, path, trace, owner] = row.children;
    const view = { node: row, ageMs: 0 };
    view.tick = (since) => put(age, span(view.ageMs + since));
    view.update = (socket) => {
      view.ageMs = socket.ageMs;
      put(fd, socket.fd < 0 ? '' : socket.fd);
      put(peer, addressOf(socket.remoteAddress, socket.remotePort));
      put(path, socket.path);
      put(trace, socket.traceId || socket.requestId);
      put(owner, socket.threadId ? socket.pid + ', thread ' + socket.threadId : socket.pid);
    };
    return view;
  };
  /* Nobody sees the rows of what is closed: there are none. */
  let listed = [];
  const fill = () => {
    const steps = sync(body, views, node.open ? listed : [], (socket) => socket.pid + ' ' + socket.id, rowView);
    while (!steps.next().done);
  };
  const tick = (since) => {
    for (const view of views.values()) view.tick(since);
  };
  node.addEventListener('toggle', () => {
    fill();
    tick(sinceShown());
  });
  return {
    node,
    tick,
    update: (group, subject) => {
      const { count: all, sockets } = group;
      listed = sockets;
      put(title, sockets.length < all ? count(sockets.length) + ' of ' + many(all, 'socket', 'sockets') : many(all, 'socket', 'sockets'));
      scroll.setAttribute('aria-label', 'Sockets of ' + subject);
      fill();
    },
  };
};

let groupsMade = 0;
const groupView = () => {
  const node = make('li', 'group');
  const article = make('article');
  const title = make('h3');
  title.id = 'group-' + ++groupsMade;
  title.tabIndex = -1;
  title.dataset.focus = '';
  article.setAttribute('aria-labelledby', title.id);
  const times = make('b');
  const age = make('span');
  const kind = make('span');
  const cause = make('a');
  cause.target = '_blank';
  cause.rel = 'noreferrer noopener';
  const place = make('span');
  const explanation = make('p');
  const fix = make('span');
  const facts = factList('Held up by', 'Ends by itself', 'Bytes', 'Requested by', 'Registered at', 'Trace');
  const stack = inside(make('details'), make('summary', '', 'Where it was asked for'));
  const frames = make('pre');
  stack.append(inside(make('div', 'test'), frames));
  const sockets = socketTable();
  const test = testView();
  const measure = inside(make('p', 'measure'), times, ' ', age);
  inside(article,
    inside(make('div', 'head'), title, measure),
    inside(make('p', 'tags'), kind, cause, place),
    explanation,
    inside(make('p', 'fix'), make('b', '', 'Fix '), fix),
    facts.list, sockets.node, test.node, stack);
  node.append(article);
  const view = { node, ageMs: 0, endsInMs: undefined };
  view.tick = (since) => {
    put(age, (view.count === 1 ? '' : '· oldest ') + span(view.ageMs + since));
    facts.set('Ends by itself', view.endsInMs === undefined ? '' : 'in ' + span(view.endsInMs - since) + ' at the latest');
    sockets.tick(since);
  };
  view.update = (group) => {
    const { leak } = group.oldest;
    const subject = subjectOf(leak);
    view.count = group.count;
    view.ageMs = leak.ageMs;
    view.endsInMs = leak.endsInMs;
    put(title, subject);
    put(times, group.count === 1 ? '' : '× ' + count(group.count));
    put(kind, leak.kind);
    kind.className = 'kind' + (KINDS.includes(leak.kind) ? ' kind-' + leak.kind : '');
    put(cause, leak.cause);
    cause.href = DOCS + encodeURIComponent(leak.cause) + '.md';
    put(place, [leak.side, leak.server === subject ? '' : leak.server, leak.framework, group.fingerprint].filter(Boolean).join(' · '));
    put(explanation, leak.explanation);
    put(fix, leak.fix);
    facts.set('Held up by', leak.waitsFor);
    facts.set('Bytes', waiting(leak));
    facts.set('Requested by', leak.requestedBy);
    facts.set('Registered at', leak.registeredAt);
    facts.set('Trace', traceOf(leak));
    put(frames, leak.stack);
    show(stack, leak.stack);
    sockets.update(group, subject);
    test.update(group.test, subject);
    view.tick(sinceShown());
  };
  return view;
};

const endedView = () => {
  const node = make('tr');
  for (const className of ['short', 'number', 'wide', 'short', 'short']) cell(node, className);
  const [time, age, subject, cause, how] = node.children;
  return {
    node,
    update: ({ event, time: when, leak }) => {
      put(time, clock(new Date(when)));
      put(age, span(leak.ageMs));
      put(subject, subjectOf(leak));
      put(cause, leak.cause);
      put(how, event === 'reclaimed' ? 'by the guard' : 'by the application');
    },
  };
};
`;
