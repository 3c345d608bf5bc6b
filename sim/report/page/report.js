// Fills the page: head, tables and charts. The data is the result's JSON in the page; there is no
// library and no network.

// ------------------------------------------------------------ tables

function table(id, head, rows) {
  const cell = (tag, value, i) => {
    const number = head[i].number ? ' class="number"' : '';
    return `<${tag}${number}>${value}</${tag}>`;
  };
  byId(id).innerHTML = `<tr>${head.map((h, i) => cell('th', escape(h.name), i)).join('')}</tr>` +
      rows.map((row) => `<tr>${row.map((value, i) => cell('td', value, i)).join('')}</tr>`)
          .join('');
}
const col = (name, number) => ({name, number});
const mark = (good, yes, no) => `<b class="${good ? 'good' : 'bad'}">${good ? yes : no}</b>`;
const gateValue = (gate) => {
  if (!isNumber(gate.value)) return 'no value';
  const left = gate.expr.split(/[<>=!]/)[0].trim();
  if (/^(latency|catch_up)\.|\.lag\./.test(left) && !/[-+*/]/.test(left)) return ms(gate.value);
  if (/^(server|generator)\.(rss|bytes_per_\w+)$/.test(left)) return bytes(gate.value);
  return exact(gate.value);
};

// A fleet sends nothing: it knows of no latency, no loss and no chatd.
const fleet = result.virtual && result.virtual.depth === 'fleet';

function hideWhatAFleetLacks() {
  for (const id of ['latency', 'heat', 'distribution', 'percentiles', 'cpu', 'memory', 'lag']) {
    byId(`chart-${id}`).hidden = true;
  }
  byId('latencies-part').hidden = true;
}

function tables() {
  table(
      'gates', [col('verdict'), col('gate'), col('value', true), col('windows missed', true)],
      result.gates.map(
          (gate) =>
              [mark(gate.passed, '✓ pass', '✗ fail'), `<code>${escape(gate.expr)}</code>`,
               gateValue(gate), gate.windows ? `${gate.misses} of ${gate.windows}` : '']));
  if (result.gates.length === 0) byId('gates-card').hidden = true;
  const meaning = {
    sent: 'messages written for the first time',
    acked: 'that chatd said it stored',
    refused: 'answered with a permanent error',
    sends_delayed: 'of them first answered DELAYED',
    expected_deliveries: 'events that devices had to get',
    delivered: 'of them delivered',
    lost: 'expected, never delivered',
    duplicate: 'delivered or stored twice',
    reordered: 'out of order',
    phantom: 'delivered, but in no log',
    stale: 'shown or read, though deleted or changed',
    late: 'slower than late_after',
    not_sent: 'due, but the user\'s queue was full',
    by_history: 'delivered by History after a reset',
    pruned: 'delivered as a place, the content was pruned',
    skipped: 'jumped over in rooms',
  };
  const known = ['sent', 'acked', 'expected_deliveries', 'delivered', 'not_sent'];
  const zero = ['lost', 'duplicate', 'reordered', 'phantom', 'stale', 'not_sent'];
  table(
      'messages', [col('count'), col('meaning'), col('', true)],
      Object.entries(result.messages)
          .filter(([name]) => !fleet || known.includes(name))
          .map(
              ([name, n]) =>
                  [`<code>${escape(name)}</code>`, meaning[name] || '',
                   zero.includes(name) ? mark(n === 0, exact(n), exact(n)) : exact(n)]));
  const {tombstones, leaves, ...kinds} = result.changes;
  if (leaves > 0 || Object.values(kinds).some((kind) => kind.sent > 0)) {
    byId('changes-card').hidden = false;
    table(
        'changes', [col('kind'), col('sent', true), col('stored', true), col('refused', true)],
        Object.entries(kinds).map(
            ([name, n]) => [name, exact(n.sent), exact(n.acked), exact(n.refused)]));
    byId('tombstones').textContent =
        `${exact(tombstones)} tombstones came, ${exact(leaves)} leaves`;
  }
  const names = ['p50', 'p90', 'p99', 'p999', 'max'];
  const latencyRow = (name, of) => [name, ...names.map((p) => ms(of[p]))];
  table('latencies', [col(''), ...names.map((p) => col(p, true))], [
    latencyRow('service', result.latency_ms.service),
    latencyRow('response', result.latency_ms.response), latencyRow('catch-up', result.catch_up_ms),
    ...(result.storm ? [latencyRow('recovery', result.storm.recovery_ms)] : []),
    latencyRow('own lag', result.generator.lag_ms)
  ]);
  table(
      'phases', [col('phase'), col('begins', true), col('lasts', true)],
      result.phases.map(
          (phase) => [escape(phase.name), clock(phase.begin_s), clock(phase.length_s)]));
  const remarks = result.findings.map((f) => [`<code>${escape(f.kind)}</code>`, escape(f.text)])
                      .concat(result.notes.map((text) => ['note', escape(text)]));
  if (remarks.length > 0) {
    byId('findings-card').hidden = false;
    table('findings', [col('kind'), col('what')], remarks);
  }
  if (result.virtual) {
    byId('virtual-card').hidden = false;
    table('virtual', [col('how'), col('what')], [
      ...result.virtual.ran.map((text) => ['ran', escape(text)]),
      ...result.virtual.modelled.map((text) => ['modelled', escape(text)]),
      ['digest', `<code>${escape(result.virtual.digest)}</code>`]
    ]);
    table(
        'counters', [col('counter'), col('', true)],
        Object.entries(result.virtual.counters)
            .map(([name, n]) => [`<code>${escape(name)}</code>`, exact(n)]));
  }
  if (result.ladder.length > 0) {
    byId('ladder-card').hidden = false;
    table(
        'ladder',
        [
          col('asked/s', true), col('sent/s', true), col('deliveries/s', true), col('p50', true),
          col('p99', true), col('CPU chatsim', true), col('CPU chatd', true), col('verdict')
        ],
        result.ladder.map(
            (s) =>
                [count(s.rate_per_s), count(s.sent_per_s), count(s.delivered_per_s),
                 ms(s.latency_ms.response.p50), ms(s.latency_ms.response.p99),
                 share(s.generator_cpu_share), share(s.server_cpu_share),
                 s.valid ? mark(s.passed, '✓ pass', '✗ fail') :
                           mark(false, '', 'generator too slow')]));
  }
}

function head() {
  byId('title').textContent = result.scenario;
  byId('subtitle').textContent = [
    result.description, `seed ${result.seed}`, result.mode,
    result.started.replace('T', ' ').replace('Z', ' UTC')
  ].filter(Boolean).join(' · ');
  const passed = result.gates.filter((gate) => gate.passed).length;
  const badge = (good, text) =>
      `<span class="badge ${good ? 'good' : 'bad'}">${escape(text)}</span>`;
  byId('badges').innerHTML = badge(result.valid, result.valid ? 'valid run' : 'invalid run') +
      (result.gates.length ?
           badge(
               passed === result.gates.length, `${passed} of ${result.gates.length} gates passed`) :
           '');
  if (!result.valid) {
    byId('problems').hidden = false;
    byId('problems').innerHTML =
        'This run is invalid: its figures say nothing about the server.<ul>' +
        result.invalid_reasons.map((reason) => `<li>${escape(reason)}</li>`).join('') + '</ul>';
  }
  const best = result.ladder.filter((s) => s.valid && s.passed).pop();
  const runs = result.phases.find((phase) => phase.name === 'run');
  const perSecond = (n) => (runs && runs.length_s > 0 ? n / runs.length_s : null);
  const tiles = [
    [exact(result.users.peak), `users at once, of ${exact(result.users.asked)}`],
    [count(result.messages.sent), `messages, ${count(perSecond(result.messages.sent))}/s`],
    [
      count(result.messages.delivered),
      `deliveries, ${count(perSecond(result.messages.delivered))}/s`
    ],
  ];
  if (!fleet) {
    tiles.push(
        [exact(result.messages.lost), 'lost', result.messages.lost === 0],
        [exact(result.messages.duplicate), 'duplicates', result.messages.duplicate === 0],
        [ms(result.latency_ms.response.p50), 'response p50'],
        [ms(result.latency_ms.response.p99), 'response p99'],
        [exact(result.connections.reconnects), 'reconnects'],
        [bytes(result.generator.bytes_per_user), 'chatsim memory per user'], [
          result.server ? bytes(result.server.bytes_per_connection) : '–',
          'chatd memory per connection'
        ]);
  }
  if (best) tiles.unshift([count(best.rate_per_s) + '/s', 'highest valid step']);
  if (result.storm) {
    const {full_recovery_s: full, dropped, accepts_per_s: rate, accepts_per_s_max: most} =
        result.storm;
    tiles.push(
        [full === null ? 'never' : ms(full * 1000), `until all ${exact(dropped)} were back`],
        [count(rate) + '/s', `welcomed after the storm, ${exact(most)} at most`]);
  }
  if (result.virtual) {
    const v = result.virtual;
    tiles.push(
        [count(v.heartbeats), `heartbeats, ${count(v.heartbeats_per_s)} per second of computing`],
        [clock(v.wall_s), `for ${clock(v.simulated_s)} of virtual time`],
        [bytes(Math.round(v.bytes_per_user)), `of memory per user, ${exact(v.users)} users`]);
  }
  byId('tiles').innerHTML =
      tiles
          .map(
              ([value, name, good]) => `<div class="tile"><b class="${
                  good === undefined ? '' :
                      good           ? 'good' :
                                       'bad'}">${value}</b><span>${escape(name)}</span></div>`)
          .join('');
  byId('footer').textContent = `run ${result.run_id} against ${result.target}` +
      (result.server_version ? ` (chatd ${result.server_version})` : '') +
      `. Service latency counts from the actual send, response latency from the intended one.` +
      (step > 1 ? ` One point is ${clock(step)}.` : '');
}

head();
tables();
if (fleet) hideWhatAFleetLacks();
timeChart({
  id: 'chart-users',
  title: 'Users connected',
  area: true,
  text: count,
  lines: [{name: 'users', colour: 'var(--s1)', values: series.users}]
});
timeChart({
  id: 'chart-rates',
  title: 'Rates',
  note: 'per second',
  text: count,
  log: true,
  lines: [
    {name: 'deliveries', colour: 'var(--s1)', values: series.delivered_per_s.map((v) => v || null)},
    {name: 'messages', colour: 'var(--s2)', values: series.sent_per_s.map((v) => v || null)}
  ]
});
timeChart({
  id: 'chart-latency',
  title: 'Response latency',
  note: 'from the intended send',
  text: ms,
  log: true,
  lines: [
    {name: 'max', colour: 'var(--s4)', values: series.response_max_ms},
    {name: 'p99', colour: 'var(--s2)', values: series.response_p99_ms},
    {name: 'p90', colour: 'var(--s3)', values: series.response_p90_ms},
    {name: 'p50', colour: 'var(--s1)', values: series.response_p50_ms}
  ]
});
heatMap('chart-heat');
distribution('chart-distribution');
percentiles('chart-percentiles');
timeChart({
  id: 'chart-cpu',
  title: 'CPU',
  note: '100 % = one core',
  text: share,
  area: true,
  lines: [
    {name: 'chatd', colour: 'var(--s2)', values: series.server_cpu_share},
    {name: 'chatsim', colour: 'var(--s1)', values: series.generator_cpu_share}
  ]
});
timeChart({
  id: 'chart-memory',
  title: 'Memory',
  note: 'resident',
  text: bytes,
  ticks: byteTicks,
  lines: [
    {name: 'chatd', colour: 'var(--s2)', values: series.server_rss_bytes},
    {name: 'chatsim', colour: 'var(--s1)', values: series.generator_rss_bytes}
  ]
});
timeChart({
  id: 'chart-trouble',
  title: 'Trouble',
  note: 'per second',
  text: count,
  lines: [
    {name: 'reconnects', colour: 'var(--s1)', values: series.reconnects_per_s},
    {name: 'late', colour: 'var(--s2)', values: series.late_per_s},
    {name: 'errors', colour: 'var(--s4)', values: series.errors_per_s},
    {name: 'not sent', colour: 'var(--s3)', values: series.not_sent_per_s}
  ]
});
timeChart({
  id: 'chart-lag',
  title: 'Generator\'s own lag',
  note: 'p99 of its sends',
  text: ms,
  lines: [{name: 'lag', colour: 'var(--s1)', values: series.lag_p99_ms}]
});
