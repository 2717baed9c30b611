/** monitoring/dashboard.json: one Grafana dashboard, for any number of processes. */
const of = '{job=~"$job",instance=~"$instance"}';
const also = (more) => `{job=~"$job",instance=~"$instance",${more}}`;

/** @see https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ */
const rows = [
  {
    title: 'Now',
    panels: [
      stat('Leaked sockets', `sum(close_wait_leaked_sockets${of})`, { warnAt: 1, critAt: 100 }),
      stat('Oldest half-closed socket', `max(close_wait_oldest_seconds${of})`, {
        unit: 's',
        warnAt: 60,
        critAt: 3_600,
      }),
      stat('File descriptors used', `max(close_wait_open_fds${of} / close_wait_max_fds${of})`, {
        unit: 'percentunit',
        warnAt: 0.4,
        critAt: 0.6,
      }),
      stat('Found in the last hour', `sum(increase(close_wait_leaks_found_total${of}[1h]))`, {
        warnAt: 1,
        critAt: 100,
      }),
    ],
  },
  {
    title: 'Whose',
    panels: [
      table(
        'Leaks open now',
        `sum by (instance, kind, cause, side, method, route, server, destination) (close_wait_leaked_sockets${also('cause!=""')})`,
      ),
      series(
        'Leaked sockets by route',
        `sum by (method, route) (close_wait_leaked_sockets${also('route!=""')})`,
        '{{method}} {{route}}',
      ),
      series('Leaked sockets by cause', `sum by (cause) (close_wait_leaked_sockets${also('cause!=""')})`, '{{cause}}'),
      series(
        'CLOSE_WAIT by server, leaks or not yet',
        `sum by (side, server) (close_wait_sockets${of})`,
        '{{side}} {{server}}',
      ),
    ],
  },
  {
    title: 'Outbound',
    panels: [
      series(
        'Leaked sockets by destination',
        `sum by (destination) (close_wait_leaked_sockets${also('side="outbound"')})`,
        '{{destination}}',
      ),
      series(
        'FIN_WAIT_2: the remote end has not closed',
        `sum by (server, destination) (tcp_fin_wait2_sockets${of})`,
        '{{server}}{{destination}}',
      ),
    ],
  },
  {
    title: 'Queues',
    panels: [
      series(
        'Accept queue, of its limit',
        `tcp_accept_queue_sockets${of} / tcp_accept_queue_limit${of}`,
        '{{instance}} {{server}}',
        'percentunit',
      ),
      series(
        'Waiting to be accepted, client gone',
        `sum by (server) (tcp_accept_queue_close_wait_sockets${of})`,
        '{{server}}',
      ),
      series(
        'Refused, accept queue full (whole network namespace)',
        `rate(tcp_listen_overflows_total${of}[5m])`,
        '{{instance}}',
        'cps',
      ),
      series(
        'Next connection collides with a leak',
        `close_wait_port_collision_ratio${of}`,
        '{{instance}}',
        'percentunit',
      ),
    ],
  },
  {
    title: 'Lifetimes',
    panels: [
      heatmap(
        'How long half-closed sockets stayed open',
        `sum by (le) (increase(close_wait_duration_seconds_bucket${of}[$__rate_interval]))`,
      ),
      series(
        'Found, closed after all, ended by the guard',
        [
          [`sum(rate(close_wait_leaks_found_total${of}[$__rate_interval]))`, 'found'],
          [`sum(rate(close_wait_released_total${of}[$__rate_interval]))`, 'closed after all'],
          [`sum(rate(close_wait_reclaimed_total${of}[$__rate_interval]))`, 'ended by the guard'],
        ],
        undefined,
        'cps',
      ),
      series(
        'Found by route',
        `sum by (cause, route) (increase(close_wait_leaks_total${of}[1h]))`,
        '{{cause}} {{route}}',
      ),
      series(
        'Bytes that leaks hold unread',
        `sum by (instance) (close_wait_unread_bytes${of})`,
        '{{instance}}',
        'bytes',
      ),
    ],
  },
  {
    title: 'The guard itself',
    panels: [
      series('A sample holds the event loop', `close_wait_guard_sample_seconds${of}`, '{{instance}}', 's'),
      series(
        'Since the last sample',
        `time() - close_wait_guard_last_sample_timestamp_seconds${of}`,
        '{{instance}}',
        's',
      ),
      series(
        'Failures kept from the application',
        `sum by (operation) (increase(close_wait_guard_errors_total${of}[5m]))`,
        '{{operation}}',
      ),
      table('Versions', `sum by (version, supported) (close_wait_guard_info${of})`),
    ],
  },
];

export function dashboardJson() {
  return `${JSON.stringify(dashboard(), undefined, 2)}\n`;
}

/** What each panel asks. */
export function queries() {
  return rows.flatMap(({ panels }) =>
    panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr }))),
  );
}

function dashboard() {
  let y = 0;
  const panels = rows.flatMap(({ title, panels: inRow }) => {
    const width = 24 / inRow.length;
    const height = inRow[0].type === 'stat' ? 4 : 8;
    const row = { type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] };
    const placed = inRow.map((panel, i) => ({ ...panel, gridPos: { x: i * width, y: y + 1, w: width, h: height } }));
    y += height + 1;
    return [row, ...placed];
  });
  return {
    title: 'close-wait-guard',
    uid: 'close-wait-guard',
    description: 'Leaked sockets of Node.js processes: which, whose and why.',
    tags: ['nodejs', 'sockets'],
    schemaVersion: 38,
    editable: true,
    time: { from: 'now-6h', to: 'now' },
    refresh: '1m',
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' },
        variable('job', 'Job', 'label_values(close_wait_guard_info, job)'),
        variable('instance', 'Instance', 'label_values(close_wait_guard_info{job=~"$job"}, instance)'),
      ],
    },
    panels: panels.map((panel, i) => ({ id: i + 1, ...panel })),
  };
}

function variable(name, label, query) {
  return {
    ...{ name, label, type: 'query', datasource: source(), query: { query, refId: name } },
    ...{
      refresh: 2,
      multi: true,
      includeAll: true,
      allValue: '.*',
      current: { text: 'All', value: '$__all' },
      sort: 1,
    },
  };
}

function source() {
  return { type: 'prometheus', uid: '${datasource}' };
}

function panel(type, title, targets, more) {
  const asked = targets.map(([expr, legendFormat], i) => ({
    ...{ refId: String.fromCharCode(65 + i), datasource: source(), expr },
    ...(legendFormat === undefined ? {} : { legendFormat }),
  }));
  return { type, title, datasource: source(), targets: asked, ...more };
}

function stat(title, expr, { unit = 'short', warnAt, critAt }) {
  const steps = [
    { color: 'green', value: null },
    { color: 'orange', value: warnAt },
    { color: 'red', value: critAt },
  ];
  const defaults = { unit, thresholds: { mode: 'absolute', steps }, noValue: '0' };
  return panel('stat', title, [[expr]], {
    fieldConfig: { defaults, overrides: [] },
    options: { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'area' },
  });
}

function series(title, asked, legend, unit = 'short') {
  const targets = Array.isArray(asked) ? asked : [[asked, legend]];
  const defaults = { unit, min: 0, custom: { fillOpacity: 10, showPoints: 'never' } };
  return panel('timeseries', title, targets, {
    fieldConfig: { defaults, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  });
}

function table(title, expr) {
  const built = panel('table', title, [[expr]], {
    fieldConfig: { defaults: {}, overrides: [] },
    options: { sortBy: [{ displayName: 'Value', desc: true }] },
    transformations: [{ id: 'organize', options: { excludeByName: { Time: true } } }],
  });
  return { ...built, targets: built.targets.map((target) => ({ ...target, instant: true, format: 'table' })) };
}

function heatmap(title, expr) {
  const built = panel('heatmap', title, [[expr, '{{le}}']], {
    options: { calculate: false, yAxis: { unit: 's' }, color: { mode: 'scheme', scheme: 'Oranges' } },
  });
  return { ...built, targets: built.targets.map((target) => ({ ...target, format: 'heatmap' })) };
}
