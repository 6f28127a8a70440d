// One order of series colours and one pair of scales for the whole lab. Colours are CSS expressions over the tokens
// of tokens.css, so that they follow the theme by themselves; charts that need fixed values ask theme.js.

import { color } from "./theme.js";

const SERIES = 8;
const DIVERGING = new Set(["reward", "advantage", "ratio", "log-ratio", "value"]);
const LEAST_RATIO = 0.01; // log-ratios below it are noise of the arithmetic, not a change of the policy
const HUES = { "correct": 1, "brevity": 2, "heldout/accuracy": 3 };

/** The series token of the place-th line, the same on every page. */
export function seriesToken(place) {
  return `--series-${(place % SERIES) + 1}`;
}

/** A line's colour as a fixed value for charts. */
export function seriesColor(place) {
  return color(seriesToken(place));
}

/** The place of each of `names` in the order: their own for those that have one, for the others the next free ones. */
export function placesOf(names) {
  const taken = new Set(names.filter((name) => name in HUES).map((name) => HUES[name] - 1));
  let next = 0;
  return names.map((name) => {
    if (name in HUES) return HUES[name] - 1;
    while (taken.has(next)) next += 1;
    taken.add(next);
    return next;
  });
}

/** Whether a stream has a middle from which it goes up and down. */
export function isDiverging(name) {
  return DIVERGING.has(name) || ["advantage.", "weight.", "reward."].some((begin) => name.startsWith(begin));
}

/** Whether the lowest values of a sequential stream are the ones to look at: tokens that the policy found unlikely. */
export function isReversed(name) {
  return name.includes("logp");
}

/** The bound of a symmetric scale, or the two ends of a sequential one: the 2nd and 98th hundredth of the values. */
export function bounds(name, values) {
  const seen = values.map((value) => (name === "ratio" && value !== null ? Math.log(value) : value));
  const known = seen.filter((value) => Number.isFinite(value)); // the logarithm of a ratio of 0 has no place on a scale
  if (!known.length) return isDiverging(name) ? [-1, 1] : [0, 1];
  known.sort((a, b) => a - b);
  const at = (share) => known[Math.min(known.length - 1, Math.max(0, Math.round(share * (known.length - 1))))];
  if (isDiverging(name)) {
    const most = Math.max(Math.abs(at(0.02)), Math.abs(at(0.98))) || Math.abs(at(0)) || Math.abs(at(1)) || 1;
    if (name === "ratio") return [-Math.max(most, LEAST_RATIO), Math.max(most, LEAST_RATIO)];
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
    const end = share < 0 ? "--negative-most" : "--positive-most";
    return `color-mix(in oklab, var(${end}) ${(Math.abs(share) * 100).toFixed(1)}%, var(--neutral))`;
  }
  const up = Math.max(0, Math.min(1, (seen - low) / (high - low)));
  const share = isReversed(name) ? 1 - up : up;
  return `color-mix(in oklab, var(--much-most) ${(share * 100).toFixed(1)}%, var(--little))`;
}

/** A number with its sign, as advantages are written: +0.82, −1.14. */
export function signed(value, digits = 2) {
  return `${value > 0 ? "+" : ""}${show(value, digits)}`;
}

/** A number with as many digits as a person reads: 0.123, 12.3, 1,234. */
export function show(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toExponential(1).replaceAll("-", "−");
  const kept = size >= 1000 ? 0 : size >= 100 ? Math.min(1, digits) : digits;
  return (value + 0).toLocaleString("en", { maximumFractionDigits: kept, minimumFractionDigits: Number.isInteger(value) ? 0 : Math.min(2, kept) })
    .replace("-", "−");
}
