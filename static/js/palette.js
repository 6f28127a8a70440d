// One order of series colours and one pair of scales for the whole lab. Colours are CSS expressions over the tokens
// of tokens.css, so that they follow the theme by themselves; charts that need fixed values ask theme.js.

import { color } from "./theme.js";

const SERIES = 8;
const DIVERGING = new Set(["reward", "advantage", "ratio", "log-ratio", "value"]);
const HUES = { "correct": 1, "brevity": 2, "heldout/accuracy": 3 };

/** The series token of the place-th line, the same on every page. */
export function seriesToken(place) {
  return `--series-${(place % SERIES) + 1}`;
}

/** A line's colour as a fixed value for charts. */
export function seriesColor(place) {
  return color(seriesToken(place));
}

/** A name's place in the order: those with a place of their own first, the others after them as they come. */
export function placeOf(name, names) {
  return (HUES[name] ?? names.indexOf(name) + 1) - 1;
}

/** Whether a stream has a middle from which it goes up and down. */
export function isDiverging(name) {
  return DIVERGING.has(name) || name.startsWith("advantage.");
}

/** The bound of a symmetric scale, or the two ends of a sequential one: the 2nd and 98th hundredth of the values. */
export function bounds(name, values) {
  const known = values.filter((value) => Number.isFinite(value)).map((value) => (name === "ratio" ? Math.log(value) : value));
  if (!known.length) return isDiverging(name) ? [-1, 1] : [0, 1];
  known.sort((a, b) => a - b);
  const at = (share) => known[Math.min(known.length - 1, Math.max(0, Math.round(share * (known.length - 1))))];
  if (isDiverging(name)) {
    const most = Math.max(Math.abs(at(0.02)), Math.abs(at(0.98))) || Math.max(...known.map(Math.abs)) || 1;
    return [-most, most];
  }
  const [low, high] = [at(0.02), at(0.98)];
  return high > low ? [low, high] : [low, low + 1];
}

/** The tint of a value between two bounds as a CSS colour, or "" where there is no number. */
export function tint(name, value, [low, high]) {
  if (!Number.isFinite(value)) return "";
  const seen = name === "ratio" ? Math.log(value) : value;
  if (isDiverging(name)) {
    const share = Math.max(-1, Math.min(1, seen / high));
    const end = share < 0 ? "--negative" : "--positive";
    return `color-mix(in oklab, var(${end}) ${(Math.abs(share) * 90).toFixed(1)}%, var(--neutral))`;
  }
  const share = Math.max(0, Math.min(1, (seen - low) / (high - low)));
  return `color-mix(in oklab, var(--much) ${(share * 75).toFixed(1)}%, var(--little))`;
}

/** A number with as many digits as a person reads: 0.123, 12.3, 1,234. */
export function show(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toExponential(1).replace("-", "−");
  const kept = size >= 1000 ? 0 : size >= 100 ? 1 : digits;
  return value.toLocaleString("en", { maximumFractionDigits: kept, minimumFractionDigits: Number.isInteger(value) ? 0 : Math.min(2, kept) })
    .replace("-", "−");
}
