// The charts of the report as inline SVG, with what lies under the pointer.

const result = JSON.parse(document.getElementById('result').textContent);
const series = result.series;
const step = series.step_s;
const points = series.users.length;
const byId = (id) => document.getElementById(id);

// ------------------------------------------------------------ frame of a chart

const tip = byId('tip');
function showTip(event, html) {
  tip.innerHTML = html;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const right = event.clientX + 16 + box.width > window.innerWidth;
  tip.style.left = (right ? event.clientX - box.width - 16 : event.clientX + 16) + 'px';
  tip.style.top = Math.min(event.clientY + 14, window.innerHeight - box.height - 8) + 'px';
}
const tipLine = (colour, name, value) =>
    `<div><span>${colour ? `<i style="background:${colour}"></i>` : ''}${escape(name)}</span><b>${
        value}</b></div>`;

function caption(title, note, keys) {
  const key = (k) => `<span><i style="background:${k.colour}"></i>${escape(k.name)}</span>`;
  return `<figcaption>${escape(title)}${note ? `<small>${escape(note)}</small>` : ''}` +
      `<span class="keys">${keys.map(key).join('')}</span></figcaption>`;
}

/** Axes, grid and phases; `x` and `y` map values to pixels. Returns the pieces of an SVG. */
function frame(options) {
  const wide = byId(options.id).classList.contains('wide');
  const width = wide ? 1180 : 580, height = options.height || (wide ? 250 : 220);
  const left = 58, right = 10, top = 20, bottom = 26;
  const x = (v) => left + ((v - options.x0) / (options.x1 - options.x0)) * (width - left - right);
  const scaled = options.log ? Math.log10 : (v) => v;
  const y0 = scaled(options.yTicks[0]), y1 = scaled(options.yTicks[options.yTicks.length - 1]);
  const y = (v) => {
    const at = options.log ? Math.log10(Math.max(v, options.yTicks[0])) : v;
    return height - bottom - ((at - y0) / (y1 - y0 || 1)) * (height - top - bottom);
  };
  let svg = '';
  for (const band of options.bands || []) {
    const from = Math.max(x(band.from), left), to = Math.min(x(band.to), width - right);
    if (to <= from) continue;
    if (band.shaded) {
      svg += `<rect class="band" x="${from}" y="${top}" width="${to - from}" height="${
          height - top - bottom}"/>`;
    }
    if (to - from > band.name.length * 6 + 4) {
      svg += `<text class="band-name" x="${(from + to) / 2}" y="${top - 6}" text-anchor="middle">${
          escape(band.name)}</text>`;
    }
  }
  for (const tick of options.yTicks) {
    svg +=
        `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(tick)}" y2="${y(tick)}"/>` +
        `<text x="${left - 7}" y="${y(tick) + 4}" text-anchor="end">${options.yText(tick)}</text>`;
  }
  for (const tick of options.xTicks) {
    svg += `<text x="${x(tick.at)}" y="${height - 8}" text-anchor="middle">${tick.text}</text>`;
  }
  svg += `<line class="axis" x1="${left}" x2="${width - right}" y1="${height - bottom}" y2="${
      height - bottom}"/>`;
  return {svg, x, y, width, height, left, right, top, bottom};
}

function place(id, head, f, body, hover) {
  const figure = byId(id);
  figure.innerHTML = head + `<svg viewBox="0 0 ${f.width} ${f.height}" role="img">${f.svg}${body}` +
      `<line class="cross" y1="${f.top}" y2="${f.height - f.bottom}" visibility="hidden"/></svg>`;
  const svg = figure.querySelector('svg'), cross = figure.querySelector('.cross');
  svg.addEventListener('mousemove', (event) => {
    const box = svg.getBoundingClientRect();
    const found = hover(
        ((event.clientX - box.left) / box.width) * f.width,
        ((event.clientY - box.top) / box.height) * f.height);
    if (!found) return leave();
    cross.setAttribute('x1', found.x);
    cross.setAttribute('x2', found.x);
    cross.setAttribute('visibility', 'visible');
    showTip(event, found.html);
  });
  const leave = () => {
    tip.hidden = true;
    cross.setAttribute('visibility', 'hidden');
  };
  svg.addEventListener('mouseleave', leave);
}
function placeNothing(id, title, why) {
  byId(id).innerHTML = caption(title, '', []) + `<div class="empty">${escape(why)}</div>`;
}

// ------------------------------------------------------------ charts over time

const length = Math.max(points * step, 1);
const bands =
    result.phases.filter((phase) => phase.begin_s + phase.length_s > 0 && phase.begin_s < length)
        .map((phase) => ({
               name: phase.name,
               from: Math.max(phase.begin_s, 0),
               to: phase.begin_s + phase.length_s,
               shaded: phase.name === 'run',
             }));
const timeAxis = timeTicks(length).map((t) => ({at: t, text: clock(t)}));
const middle = (i) => (i + 0.5) * step;

/** A path through the values; nulls break it, a lone point becomes a short dash. */
function linePath(values, f) {
  let path = '', open = false;
  values.forEach((value, i) => {
    if (!isNumber(value)) return void (open = false);
    const at = `${f.x(middle(i)).toFixed(1)} ${f.y(value).toFixed(1)}`;
    const alone = !open && !isNumber(values[i + 1]);
    path += (open ? 'L' : 'M') + at + (alone ? 'h2' : '');
    open = true;
  });
  return path;
}
/** The area below each unbroken stretch of the values. */
function areaPath(values, f) {
  const floor = f.height - f.bottom;
  let path = '', from = -1;
  values.forEach((value, i) => {
    if (!isNumber(value)) return void (from = -1);
    const at = `${f.x(middle(i)).toFixed(1)} ${f.y(value).toFixed(1)}`;
    path += from < 0 ? `M${f.x(middle(i)).toFixed(1)} ${floor}L${at}` : `L${at}`;
    if (from < 0) from = i;
    if (!isNumber(values[i + 1])) path += `L${f.x(middle(i)).toFixed(1)} ${floor}Z`;
  });
  return path;
}

function timeChart({id, title, note, lines, text, log, ticks, area}) {
  const all = lines.flatMap((line) => line.values.filter(isNumber));
  if (all.length === 0) return placeNothing(id, title, 'nothing was measured');
  const positive = all.filter((v) => v > 0);
  const yTicks = log && positive.length ?
      logTicks(
          positive.reduce((a, b) => Math.min(a, b)), positive.reduce((a, b) => Math.max(a, b))) :
      (ticks || linearTicks)(all.reduce((a, b) => Math.max(a, b)), 4);
  const f = frame({
    id,
    x0: 0,
    x1: length,
    xTicks: timeAxis,
    yTicks,
    yText: text,
    log: log && positive.length > 0,
    bands
  });
  let body = '';
  for (const line of lines) {
    if (area) body += `<path class="area" d="${areaPath(line.values, f)}" fill="${line.colour}"/>`;
    body += `<path class="line" d="${linePath(line.values, f)}" stroke="${line.colour}"/>`;
  }
  place(id, caption(title, note, lines), f, body, (px) => {
    const i = Math.floor(((px - f.left) / (f.width - f.left - f.right)) * (length / step));
    if (i < 0 || i >= points) return null;
    const html = tipLine('', clock(i * step), '') +
        lines.map((line) => tipLine(line.colour, line.name, text(line.values[i]))).join('');
    return {x: f.x(middle(i)), html};
  });
}

function heatMap(id) {
  const title = 'Response latency, every delivery', heat = series.response_heat;
  const cells = [];
  heat.rows.forEach((row, i) => {
    for (let k = 0; k < row.length; k += 2) cells.push({i, bin: row[k], count: row[k + 1]});
  });
  if (cells.length === 0) return placeNothing(id, title, 'nothing was delivered live');
  const lowOf = (bin) => heat.first_ms * 2 ** (bin / heat.bins_per_octave);
  const low = cells.reduce((a, c) => Math.min(a, c.bin), 1e9),
        high = cells.reduce((a, c) => Math.max(a, c.bin), 0);
  const most = cells.reduce((a, c) => Math.max(a, c.count), 1);
  const yTicks = logTicks(lowOf(low), lowOf(high + 1));
  const f = frame({id, x0: 0, x1: length, xTicks: timeAxis, yTicks, yText: ms, log: true, bands});
  const body =
      cells
          .map((c) => {
            const x = f.x(c.i * step), y = f.y(lowOf(c.bin + 1));
            const strength = 0.12 + 0.88 * (Math.log(c.count + 1) / Math.log(most + 1));
            return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${
                       (f.x((c.i + 1) * step) - x + 0.3).toFixed(1)}" ` +
                `height="${(f.y(lowOf(c.bin)) - y + 0.3).toFixed(1)}" fill="rgba(var(--heat),${
                       strength.toFixed(2)})"/>`;
          })
          .join('');
  const index = new Map(cells.map((c) => [c.i + ':' + c.bin, c.count]));
  const y0 = Math.log10(yTicks[0]), y1 = Math.log10(yTicks[yTicks.length - 1]);
  place(id, caption(title, 'darker = more deliveries, logarithmic', []), f, body, (px, py) => {
    const i = Math.floor(((px - f.left) / (f.width - f.left - f.right)) * (length / step));
    const at =
        10 ** (y0 + ((f.height - f.bottom - py) / (f.height - f.top - f.bottom)) * (y1 - y0));
    const bin = Math.floor(Math.log2(at / heat.first_ms) * heat.bins_per_octave + 1e-9);
    const found = index.get(i + ':' + bin);
    if (!found) return null;
    return {
      x: f.x(middle(i)),
      html: tipLine('', clock(i * step), '') +
          tipLine('', ms(lowOf(bin)) + ' … ' + ms(lowOf(bin + 1)), exact(found))
    };
  });
}

// ------------------------------------------------------------ distributions

const kinds =
    [
      {name: 'service', colour: 'var(--s3)', data: result.distribution.service},
      {name: 'response', colour: 'var(--s1)', data: result.distribution.response},
    ].filter((kind) => kind.data.counts.length > 0)
        .map((kind) => ({
               ...kind,
               total: kind.data.counts.reduce((a, b) => a + b, 0),
               low: (i) => kind.data.first_ms * 2 ** (i / kind.data.bins_per_octave)
             }));

function distribution(id) {
  const title = 'Distribution';
  if (kinds.length === 0) return placeNothing(id, title, 'nothing was delivered live');
  const low = Math.min(...kinds.map((k) => k.low(0))),
        high = Math.max(...kinds.map((k) => k.low(k.data.counts.length)));
  const shares = (k) => k.data.counts.map((c) => c / k.total);
  const top = Math.max(...kinds.map((k) => Math.max(...shares(k))));
  const ticks = logTicks(low, high);
  const x0 = Math.log10(low) - 0.05, x1 = Math.log10(high) + 0.05;
  const f = frame({
    id,
    x0,
    x1,
    yTicks: linearTicks(top, 4),
    yText: share,
    xTicks: ticks.filter((t) => Math.log10(t) >= x0 && Math.log10(t) <= x1)
                .map((t) => ({at: Math.log10(t), text: ms(t)}))
  });
  const body = kinds
                   .map((k) => {
                     const floor = f.height - f.bottom;
                     let path = `M${f.x(Math.log10(k.low(0))).toFixed(1)} ${floor}`;
                     shares(k).forEach((s, i) => {
                       const y = f.y(s).toFixed(1);
                       path += `L${f.x(Math.log10(k.low(i))).toFixed(1)} ${y}L${
                           f.x(Math.log10(k.low(i + 1))).toFixed(1)} ${y}`;
                     });
                     path += `L${f.x(Math.log10(k.low(k.data.counts.length))).toFixed(1)} ${floor}`;
                     return `<path class="area" d="${path}Z" fill="${
                         k.colour}"/><path class="line" d="${path}" stroke="${k.colour}"/>`;
                   })
                   .join('');
  place(id, caption(title, 'share of deliveries per 9 % step', kinds), f, body, (px) => {
    const at = 10 ** (x0 + ((px - f.left) / (f.width - f.left - f.right)) * (x1 - x0));
    const html =
        kinds
            .map((k) => {
              const i = Math.floor(Math.log2(at / k.data.first_ms) * k.data.bins_per_octave + 1e-9);
              return tipLine(k.colour, k.name, exact(k.data.counts[i] || 0));
            })
            .join('');
    return {x: px, html: tipLine('', 'about ' + ms(at), '') + html};
  });
}

function percentiles(id) {
  const title = 'Percentiles';
  if (kinds.length === 0) return placeNothing(id, title, 'nothing was delivered live');
  const nines = (p) => -Math.log10(1 - p / 100);
  const valueAt = (k, p) => {
    let below = 0;
    const rank = (k.total * p) / 100;
    for (let i = 0; i < k.data.counts.length; i++) {
      const n = k.data.counts[i];
      if (n > 0 && below + n >= rank)
        return k.low(i) + ((rank - below) / n) * (k.low(i + 1) - k.low(i));
      below += n;
    }
    return k.low(k.data.counts.length);
  };
  const most = Math.max(...kinds.map((k) => k.total));
  const x1 = Math.min(Math.max(Math.log10(most), 1), 5);
  const marks = [0, 50, 90, 99, 99.9, 99.99, 99.999].filter((p) => nines(p) <= x1 + 1e-9);
  const steps = Array.from({length: 121}, (_, i) => (i / 120) * x1);
  const lines =
      kinds.map((k) => ({...k, values: steps.map((n) => valueAt(k, 100 * (1 - 10 ** -n)))}));
  const all = lines.flatMap((line) => line.values);
  const f = frame({
    id,
    x0: 0,
    x1,
    yTicks: logTicks(Math.min(...all), Math.max(...all)),
    yText: ms,
    log: true,
    xTicks: marks.map((p) => ({at: nines(p), text: p === 0 ? 'min' : 'p' + p}))
  });
  const body =
      lines
          .map(
              (line) => `<path class="line" stroke="${line.colour}" d="M${
                  line.values.map((v, i) => `${f.x(steps[i]).toFixed(1)} ${f.y(v).toFixed(1)}`)
                      .join('L')}"/>`)
          .join('');
  place(id, caption(title, 'the tail enlarged', kinds), f, body, (px) => {
    const i = Math.round(((px - f.left) / (f.width - f.left - f.right)) * 120);
    if (i < 0 || i > 120) return null;
    return {
      x: f.x(steps[i]),
      html: tipLine('', 'p' + trimmed(100 * (1 - 10 ** -steps[i]), 3), '') +
          lines.map((line) => tipLine(line.colour, line.name, ms(line.values[i]))).join('')
    };
  });
}
