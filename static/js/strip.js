// The token strip: a completion as text, each token tinted by a stream; several streams stacked on the same text.

import { bounds, isDiverging, isReversed, show, tint } from "./palette.js";

const SLICE = 12; // milliseconds of work at a time
const BLOCK = 120; // pieces in one block at most, over which the streams stand one under the other
const ORDER = ["reward", "advantage", "logp", "ref_logp", "entropy", "ratio"];
const WORDS = { logp: "log-prob", ref_logp: "reference log-prob", clip_fraction: "clipped" };
const SUMMED = (name) => name.startsWith("reward") || name.includes("logp") || name.startsWith("weight.");

/** A stream's name as people say it. */
export function streamTitle(name) {
  return WORDS[name] ?? name.replace("advantage.", "advantage · ").replaceAll("_", " ");
}

/** The streams of a completion, the usual ones first. */
export function streamNames(data) {
  const rank = (name) => (ORDER.indexOf(name) + 1 || ORDER.length + 1);
  return Object.keys(data.streams).sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

/** Neighbouring tokens that stand together at a granularity: [[first, last + 1], ...]. */
export function cut(pieces, granularity) {
  if (granularity === "token") return pieces.map((_, place) => [place, place + 1]);
  const parts = [];
  let start = 0;
  for (let place = 1; place <= pieces.length; place += 1) {
    if (place === pieces.length || breaks(pieces[place - 1], pieces[place], granularity)) {
      parts.push([start, place]);
      start = place;
    }
  }
  return parts;
}

function kind(text) {
  return /^\s/.test(text) ? "blank" : /^[\p{L}\p{N}'’]/u.test(text) ? "word" : "sign";
}

function breaks(before, after, granularity) {
  if (granularity === "step") return /[\n;]\s*$/.test(before) || /[.!?]$/.test(before) && /^\s/.test(after);
  return /^\s/.test(after) || kind(after) !== kind(before.slice(-1)) || kind(after) === "sign";
}

/** A stream's number for a run of tokens: log-probabilities, rewards and weights add up, the others are averaged. */
export function together(name, values, first, last) {
  const known = values.slice(first, last).filter((value) => Number.isFinite(value));
  if (!known.length) return null;
  const sum = known.reduce((a, b) => a + b, 0);
  return SUMMED(name) ? sum : sum / known.length;
}

/** A piece of text in which nothing is invisible. */
export function visible(text) {
  return text.replaceAll("\n", "⏎\n").replaceAll("\t", "⇥").replaceAll("\r", "␍").replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "␀");
}

/** Where to cut a long completion into blocks: after at most BLOCK parts, at a line's or else a word's end if one is near. */
export function blocks(texts) {
  const found = [];
  for (let from = 0; from < texts.length; ) {
    let to = Math.min(texts.length, from + BLOCK);
    if (to < texts.length) {
      const near = from + BLOCK / 2;
      const last = (fits) => { for (let place = to; place > near; place -= 1) if (fits(place)) return place; return null; };
      to = last((place) => texts[place - 1].endsWith("\n")) ?? last((place) => /^\s/.test(texts[place])) ?? to;
    }
    found.push([from, to]);
    from = to;
  }
  return found;
}

/**
 * Draw completions into `root`. `items` is [{title, data}]; `chosen` the streams, `granularity` token, word or step.
 * All of them share one scale a stream, printed above, so that colours compare; a line below says the exact numbers of
 * the token that is hovered or reached with the arrow keys. `titles` are words for streams that have others here;
 * with `common` all streams share one scale, which is called that; `piece` is what the pieces of the text are.
 */
export function drawStrips(root, items, chosen, granularity, { titles = {}, common = "", piece = "token" } = {}) {
  const say = (name) => titles[name] ?? streamTitle(name);
  const made = items.map(({ title, data }) => ({ title, data, parts: cut(data.pieces, granularity) }));
  const of = (names) => made.flatMap(({ data, parts }) => names.flatMap((name) => numbers(data, name, parts)));
  const scales = new Map(chosen.map((name) => [name, bounds(name, of(common ? chosen : [name]))]));
  const told = Object.assign(document.createElement("p"), { className: "strip-told note number",
    textContent: `Hover a ${piece}, or focus the text and use the arrow keys, for its exact numbers.` });
  told.setAttribute("aria-live", "polite");
  const printed = common ? [[common, chosen[0]]] : chosen.map((name) => [say(name), name]);
  root.replaceChildren(legend(printed, scales), ...made.map((one) => strip(one, scales, granularity, told, say, piece)), told);
}

function numbers(data, name, parts) {
  const values = data.streams[name];
  return values ? parts.map(([first, last]) => together(name, values, first, last)) : [];
}

function legend(printed, scales) {
  const line = document.createElement("p");
  line.className = "scales note";
  line.append(...printed.map(([words, name]) => {
    const scale = scales.get(name);
    const one = document.createElement("span");
    one.className = isDiverging(name) ? "scale diverging" : `scale sequential${isReversed(name) ? " reversed" : ""}`;
    const [low, high] = name === "ratio" ? scale.map(Math.exp) : scale;
    const bar = document.createElement("i");
    one.append(words, Object.assign(document.createElement("span"), { className: "number", textContent: show(low) }), bar,
      Object.assign(document.createElement("span"), { className: "number", textContent: isDiverging(name) && name !== "ratio" ? `+${show(high)}` : show(high) }));
    return one;
  }));
  return line;
}

function strip({ title, data, parts }, scales, granularity, told, say, unit) {
  const box = document.createElement("article");
  box.className = "strip";
  const head = Object.assign(document.createElement("p"), { className: "strip-title", textContent: title });
  const rows = document.createElement("div");
  rows.className = "strip-rows";
  rows.tabIndex = 0;
  rows.setAttribute("role", "group");
  rows.setAttribute("aria-label", `${title}: ${data.pieces.length} ${unit}s`);
  const names = [...scales.keys()].filter((name) => data.streams[name]);
  const cells = parts.map(() => []);
  rows.classList.toggle("long", parts.length > BLOCK);
  if (!parts.length) rows.append(said("The completion is empty."));
  else if (!names.length) rows.append(said("This completion has none of the chosen streams."));
  else {
    const texts = parts.map(([first, last]) => data.pieces.slice(first, last).join(""));
    const values = names.map((name) => numbers(data, name, parts));
    fill(rows, blocks(texts), ([from, to]) => {
      const block = document.createElement("div");
      block.className = "strip-block";
      names.forEach((name, place) => block.append(line(name, say(name), scales.get(name), values[place], { data, parts, texts, cells, from, to })));
      return block;
    });
  }
  watch(rows, told, data, parts, cells, granularity, say, unit);
  box.append(head, rows);
  return box;
}

/** Put blocks into `rows` in slices of time, so that a completion of thousands of tokens does not hold up the page. */
function fill(rows, pending, make) {
  let place = 0;
  const more = () => {
    const end = performance.now() + SLICE;
    while (place < pending.length && (performance.now() < end || !place)) {
      rows.append(make(pending[place]));
      place += 1;
    }
    if (place < pending.length) setTimeout(() => { if (rows.isConnected) more(); });
  };
  more();
}

function said(words) {
  return Object.assign(document.createElement("p"), { className: "note", textContent: words });
}

function line(name, words, scale, values, { data, parts, texts, cells, from, to }) {
  const row = document.createElement("div");
  row.className = "strip-row";
  const text = document.createElement("div");
  text.className = "strip-text mono";
  for (let place = from; place < to; place += 1) {
    const [first, last] = parts[place];
    const piece = document.createElement("span");
    piece.className = data.mask.slice(first, last).some(Boolean) ? "piece" : "piece foreign";
    piece.textContent = visible(texts[place]) || "∅";
    piece.dataset.part = place;
    piece.style.background = tint(name, values[place], scale);
    cells[place].push(piece);
    text.append(piece);
  }
  row.append(Object.assign(document.createElement("span"), { className: "strip-name", textContent: words }), text);
  return row;
}

function watch(rows, told, data, parts, cells, granularity, say, unit) {
  let now = -1;
  function tell(place) {
    if (place === now || place < 0 || place >= parts.length) return;
    for (const one of cells[now] ?? []) one.classList.remove("now");
    for (const one of cells[place]) one.classList.add("now");
    now = place;
    const [first, last] = parts[place];
    const where = last - first > 1 ? `${unit}s ${first + 1} to ${last}` : `${unit} ${first + 1} of ${data.pieces.length}`;
    const exact = streamNames(data).map((name) => `${say(name)} ${show(together(name, data.streams[name], first, last), 4)}`);
    const foreign = data.mask.slice(first, last).some(Boolean) ? "" : " · not chosen by the policy";
    told.textContent = `${granularity === "token" ? "" : `${granularity} ${place + 1}, `}${where} “${visible(data.pieces.slice(first, last).join(""))}”${foreign} · ${exact.join(" · ")}`;
  }
  rows.addEventListener("pointerover", (event) => {
    const piece = event.target.closest(".piece");
    if (piece) tell(Number(piece.dataset.part));
  });
  rows.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: parts.length - 1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    event.stopPropagation();
    tell(Math.max(0, Math.min(parts.length - 1, moves[event.key])));
    cells[now]?.[0]?.scrollIntoView({ block: "nearest" });
  });
}
