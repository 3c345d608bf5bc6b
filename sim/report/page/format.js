'use strict';
// How the report writes numbers, and where axes have their ticks.

// ------------------------------------------------------------ text

const escape = (text) => String(text).replace(
    /[&<>"]/g, (c) => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'})[c]);
const isNumber = (value) => typeof value === 'number' && isFinite(value);
const trimmed = (value, digits) => String(+value.toFixed(digits));

function count(value) {
  if (!isNumber(value)) return '–';
  if (Math.abs(value) >= 1e6) return trimmed(value / 1e6, 2) + 'M';
  if (Math.abs(value) >= 1e4) return trimmed(value / 1e3, 1) + 'k';
  return Math.abs(value) >= 100 || Number.isInteger(value) ? String(Math.round(value)) :
                                                             trimmed(value, 2);
}
const exact = (value) => (isNumber(value) ? value.toLocaleString('en-US') : '–');
function ms(value) {
  if (!isNumber(value)) return '–';
  if (value >= 10000) return trimmed(value / 1000, 1) + ' s';
  if (value >= 1000) return trimmed(value / 1000, 2) + ' s';
  if (value >= 100) return Math.round(value) + ' ms';
  return trimmed(value, value >= 10 ? 1 : value >= 0.1 ? 2 : 3) + ' ms';
}
function bytes(value) {
  if (!isNumber(value)) return '–';
  for (const [unit, size] of [['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10]]) {
    if (value >= size) return trimmed(value / size, value / size >= 100 ? 0 : 1) + ' ' + unit;
  }
  return value + ' B';
}
function clock(seconds) {
  const sign = seconds < 0 ? '−' : '';
  const s = Math.abs(seconds);
  if (s < 120) return sign + trimmed(s, 1) + ' s';
  if (s < 7200)
    return sign + Math.floor(s / 60) + ':' + String(Math.floor(s % 60)).padStart(2, '0') + ' min';
  return sign + Math.floor(s / 3600) + ':' + String(Math.floor((s % 3600) / 60)).padStart(2, '0') +
      ' h';
}
const share = (value) => (isNumber(value) ? trimmed(value * 100, value < 0.1 ? 1 : 0) + ' %' : '–');

// ------------------------------------------------------------ scales

/** Round steps of 1, 2 or 5 up to at least `top`. */
function linearTicks(top, wanted) {
  const raw = (top || 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const size = [1, 2, 5, 10].find((m) => m * power >= raw) * power;
  const ticks = [];
  for (let i = 0; i <= Math.ceil((top || 1) / size - 1e-9); i++) ticks.push(i * size);
  return ticks;
}
function byteTicks(top, wanted) {
  let unit = 1;
  while (unit * 1024 <= top) unit *= 1024;
  return linearTicks(top / unit, wanted).map((tick) => tick * unit);
}
function logTicks(low, high) {
  const ticks = [];
  for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p++)
    ticks.push(10 ** p);
  return ticks;
}
/** Ticks of a time axis at round seconds, minutes or hours. */
function timeTicks(length) {
  const sizes =
      [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  const size = sizes.find((s) => length / s <= 8) || 86400;
  const ticks = [];
  for (let t = 0; t <= length + 1e-9; t += size) ticks.push(t);
  return ticks;
}
